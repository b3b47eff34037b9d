// The page of a receipt, opened from the QR code on paper: the code holds the statement's identity behind the #, and
// this says whether the page shows the same one. (It says so to a reader of an honest page; whoever doubts the page
// compares by eye, or verifies the file.)

const scanned = new URLSearchParams(location.hash.slice(1)).get("sha256");
const said = document.getElementById("compared");
if (scanned !== null) {
  const same = scanned === document.getElementById("identity").textContent;
  said.textContent = same ? said.dataset.same : said.dataset.other.replace("%(identity)s", scanned.slice(0, 64));
  said.className = same ? "agree" : "alarm";
  said.hidden = false;
}
