"""The doors: the HTTP server, the pages, the importer and the command `constancia`."""
