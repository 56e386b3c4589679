// Search: the labs' texts lie beside this page and are looked through here, which takes milliseconds.
const byId = (id) => document.getElementById(id);
const KINDS = { p: "prose", c: "code", o: "output" };
const MOST = 60;
// A word of it, or words in quotes that stay together.
const termsOf = (words) =>
  [...words.toLowerCase().matchAll(/["“”]([^"“”]+)["“”]?|(\S+)/g)]
    .map(([, quoted, word]) => (quoted ?? word).trim())
    .filter(Boolean);
const count = (text, term) => {
  let [whole, inside] = [0, 0];
  for (let at = text.indexOf(term); at >= 0 && whole + inside < 9; at = text.indexOf(term, at + term.length)) {
    if (at === 0 || !/[\p{L}\p{N}_]/u.test(text[at - 1])) whole++;
    else inside++;
  }
  return whole * 3 + inside;
};
const rank = (lab, row, terms) => {
  let sum = 0;
  for (const term of terms) {
    const here = count(row.low, term);
    const head = count(row.head, term) * 3 + count(lab.low, term);
    if (!here && !head) return 0;
    sum += Math.min(here, 12) + Math.min(head, 12) + (here ? 4 : 0);
  }
  return sum * (row.kind === "p" ? 1.4 : 1) * (1 + 40 / (200 + row.text.length));
};
const find = (labs, terms, kinds) =>
  labs
    .flatMap((lab) =>
      lab.rows.filter((row) => kinds.includes(row.kind)).map((row) => ({ lab, row, worth: rank(lab, row, terms) })),
    )
    .filter((hit) => hit.worth > 0)
    .sort((a, b) => b.worth - a.worth);
// How many letters must change, 3 for "too many".
const distance = (a, b) => {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
};
const nearest = (labs, term) => {
  const seen = new Map();
  for (const { rows } of labs)
    for (const { low } of rows)
      for (const [word] of low.matchAll(/[\p{L}\p{N}_]{3,}/gu)) seen.set(word, (seen.get(word) ?? 0) + 1);
  const close = [...seen].map(([word, n]) => [distance(term, word), -n, word]).filter(([far]) => far < 3);
  close.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return close[0]?.[2];
};
const put = (name, inside, of) => {
  const made = Object.assign(document.createElement(name), of);
  made.append(...inside);
  return made;
};
// The piece around the first match, with every match marked.
const excerpt = ({ text, low }, terms) => {
  const places = terms.map((term) => low.indexOf(term)).filter((at) => at >= 0);
  const from = Math.max(0, Math.min(...(places.length ? places : [0])) - 60);
  const start = from ? text.indexOf(" ", from) + 1 || from : 0;
  const piece = text.slice(start, start + 220);
  const parts = [];
  let at = 0;
  while (at < piece.length) {
    const lower = piece.toLowerCase();
    const next = terms
      .map((term) => [lower.indexOf(term, at), term.length])
      .filter(([i]) => i >= 0)
      .sort((a, b) => a[0] - b[0])[0];
    if (!next) break;
    parts.push(piece.slice(at, next[0]), put("mark", [piece.slice(next[0], next[0] + next[1])]));
    at = next[0] + next[1];
  }
  return [start ? "… " : "", ...parts, piece.slice(at), start + 220 < text.length ? " …" : ""];
};
const item = ({ lab, row }, terms) => {
  const link = put("a", [row.heading || lab.title], { href: `${lab.page}#${encodeURIComponent(row.anchor)}` });
  const from = put("span", [`${KINDS[row.kind]} · ${lab.title}`], { className: "from" });
  return put("li", [link, from, put("p", excerpt(row, terms), { className: row.kind === "p" ? "" : "mono" })]);
};
const load = async (files) => {
  const all = await Promise.all(
    files.map(async (file) => {
      const answer = await fetch(file);
      if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
      return answer.json();
    }),
  );
  return all.map(({ title, page, headings, rows }) => ({
    title,
    page,
    low: title.toLowerCase(),
    rows: rows.map(([kind, anchor, under, text]) => {
      const heading = headings[under] ?? "";
      return { kind, anchor, heading, head: heading.toLowerCase(), text, low: text.toLowerCase() };
    }),
  }));
};
const start = async () => {
  const form = byId("search");
  const words = byId("search-words");
  const says = byId("search-says");
  const found = byId("search-found");
  form.addEventListener("submit", (event) => event.preventDefault());
  if (location.protocol === "file:") {
    says.textContent =
      "Search cannot work here: this page was opened as a file, and browsers let no file read another. All else works. " +
      "Served by any file server, search works without a network: npm run site -- --watch, or python3 -m http.server in this folder.";
    words.disabled = true;
    for (const box of form.elements) box.disabled = true;
    return;
  }
  words.value = new URLSearchParams(location.search).get("q") ?? "";
  words.focus();
  says.textContent = "Reading the labs …";
  let labs;
  try {
    labs = await load(JSON.parse(form.dataset.files));
  } catch (error) {
    says.textContent = `Search could not read its files (${error.message}). Reload the page to try again.`;
    return;
  }
  const look = () => {
    const terms = termsOf(words.value);
    const kinds = [...form.elements.kind].filter((box) => box.checked).map((box) => box.value);
    const hits = terms.length ? find(labs, terms, kinds) : [];
    found.replaceChildren(...hits.slice(0, MOST).map((hit) => item(hit, terms)));
    if (!terms.length) {
      const rows = labs.reduce((sum, lab) => sum + lab.rows.length, 0);
      says.textContent = `${rows} places in ${labs.length === 1 ? "one lab" : `${labs.length} labs`}.`;
    } else if (hits.length) {
      const in_ = new Set(hits.map((hit) => hit.lab)).size;
      const first = hits.length > MOST ? `, the best ${MOST} of them` : "";
      says.textContent = `${hits.length} ${hits.length === 1 ? "place" : "places"} in ${in_ === 1 ? "one lab" : `${in_} labs`}${first}:`;
    } else {
      says.textContent = "Nothing has all of these words.";
      const better = terms.map((term) => (find(labs, [term], Object.keys(KINDS)).length ? term : nearest(labs, term)));
      if (better.every(Boolean) && better.join(" ") !== terms.join(" ")) {
        const link = put("a", [better.join(" ")], { href: `?q=${encodeURIComponent(better.join(" "))}` });
        says.append(" Did you mean ", link, "?");
      }
    }
  };
  let waiting = 0;
  form.addEventListener("input", () => {
    look();
    clearTimeout(waiting);
    // Not at every letter: browsers count the changes of an address.
    waiting = setTimeout(
      () => history.replaceState(null, "", words.value ? `?q=${encodeURIComponent(words.value)}` : location.pathname),
      300,
    );
  });
  look();
};
document.addEventListener("DOMContentLoaded", start);
