// The page of a piece of evidence: whose bytes a file has. The browser computes the digest of a file that is chosen or
// dropped, and says which capture it is, if any; the page shows the digests (`#known`). Nothing is sent anywhere.

import { sha256, toHex } from "./bytes.js";
import { at, element, foreign, number, say } from "./saying.js";

const known = JSON.parse(at("known").textContent);

/** What is said of a digest: the sentence, and whether it is good. */
function judge(digest) {
  if (digest in known.digests) {
    const captures = say("capture", { number: number(known.digests[digest]) });
    return [say("compare-same", { captures }), "good"];
  }
  if (digest === known.upload) return [say("compare-upload"), "good"];
  if (Object.keys(known.digests).length === 0 && !known.upload) return [say("compare-none"), "provisional"];
  return [say("compare-other"), "bad"];
}

let run = 0;

async function compare(file) {
  const mine = ++run;
  const compared = at("compared");
  compared.hidden = false;
  delete compared.dataset.kind;
  compared.replaceChildren(element("p", "", say("compare-working")));
  let shown;
  let kind;
  try {
    const digest = toHex(await sha256(new Uint8Array(await file.arrayBuffer())));
    const [sentence, tone] = judge(digest);
    const name = element("p", "small", `${say("compare-digest")} `, foreign(file.name));
    shown = [element("p", `said-verdict ${tone}`, sentence), name, element("p", "hash", digest)];
    kind = tone;
  } catch (trouble) {
    shown = [element("p", "said-verdict bad", say("compare-failed", { detail: String(trouble) }))];
    kind = "failed";
  }
  if (mine !== run) return; // another file was chosen meanwhile
  compared.replaceChildren(...shown);
  compared.dataset.kind = kind;
  compared.focus();
}

at("compare").hidden = false;
at("file").addEventListener("change", () => {
  const [file] = at("file").files;
  if (file) void compare(file);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  at("drop").classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) at("drop").classList.remove("over");
});
document.addEventListener("drop", (event) => {
  at("drop").classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  void compare(event.dataTransfer.files[0]);
});
