import { escapeHtml } from "../escape";
import type { PageParts } from "../frame";
import { COURSE } from "../site-map";

/** Search over prose, code and outputs: in the page itself, on files that lie beside it. */
export const searchPage = (files: readonly string[]): PageParts => ({
  kind: "search",
  title: `Search · ${COURSE}`,
  description: "Search the prose, the code and the outputs of the MQTT labs.",
  file: "search.html",
  script: "search.js",
  main: `<h1>Search</h1>
<form id="search" role="search" data-files="${escapeHtml(JSON.stringify(files))}">
<p><label for="search-words">Words of the prose, the code or the outputs; “two words” in quotes stay together</label>
<input type="search" id="search-words" name="q" autocomplete="off" spellcheck="false"></p>
<fieldset class="kinds"><legend>Where</legend>
<label><input type="checkbox" name="kind" value="p" checked> Prose</label>
<label><input type="checkbox" name="kind" value="c" checked> Code</label>
<label><input type="checkbox" name="kind" value="o" checked> Outputs</label></fieldset>
</form>
<p id="search-says" role="status">Search needs a script, and this page has not run it. The <a href="topics.html">topics</a> and the <a href="glossary.html">glossary</a> lead to the same cells.</p>
<ol id="search-found"></ol>`,
});
