// Everything on the page works without this. It remembers the theme, opens what a link or the printer needs, puts the
// reader's forecast beside what was observed, and steps through packets.
const root = document.documentElement;
const stored = (() => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
})();
if (stored === "light" || stored === "dark") root.dataset.theme = stored;
const reveal = () => {
  let id = "";
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    return;
  }
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let at = target.parentElement; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
};
// Boxes that scroll are stops for the keyboard, others are not. All are measured before any is changed: each change
// would have the page laid out again.
const measure = (boxes) => {
  const scrolls = boxes.map((box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1);
  for (const [i, box] of boxes.entries()) {
    if (scrolls[i]) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
const chosen = (input) => {
  for (const yours of document.querySelectorAll(".yours")) {
    if (yours.dataset.question !== input.dataset.question) continue;
    const same = yours.dataset.answer === input.value;
    yours.hidden = false;
    yours.className = same ? "yours same" : "yours other";
    yours.textContent = `Your forecast: ${input.parentElement.textContent.trim()} ${same ? "✓ as observed" : "○ not as observed"}`;
  }
};
const make = (name, of, ...inside) => {
  const made = Object.assign(document.createElement(name), of);
  made.append(...inside);
  return made;
};
// A recording: one packet after the other, and one client or all.
const stepThrough = (wire) => {
  const items = [...wire.querySelectorAll("li[data-packet]")];
  const rows = [...wire.querySelectorAll("svg [data-packet]")];
  const clients = [...new Set(items.map((item) => item.dataset.client))];
  if (items.length < 2 || (!rows.length && clients.length < 2)) return;
  const rowOf = new Map(rows.map((row) => [row.dataset.packet, row]));
  const said = make("span", { className: "said" });
  said.setAttribute("role", "status");
  const steps = wire.querySelector(".steps");
  let at = -1;
  let client = "";
  const chosen = () => items.filter((item) => !client || item.dataset.client === client);
  const show = () => {
    const list = chosen();
    const now = list[at];
    for (const item of items) {
      const there = list.includes(item);
      item.hidden = now ? item !== now : !there;
      const row = rowOf.get(item.dataset.packet);
      if (!row) continue;
      row.classList.toggle("other", !there);
      row.classList.toggle("later", Boolean(now) && there && list.indexOf(item) > at);
      row.classList.toggle("now", item === now);
    }
    said.textContent = now ? `${at + 1} of ${list.length}` : client ? `${list.length} of ${items.length} packets` : "";
    // A button that is disabled would lose the keyboard's focus, and with it the reader's place.
    all.setAttribute("aria-disabled", !now);
    before.setAttribute("aria-disabled", at < 1);
    after.setAttribute("aria-disabled", at === list.length - 1);
    if (!now) return;
    if (steps) steps.open = true;
    now.firstElementChild.open = true;
  };
  const go = (to) => () => {
    at = Math.max(-1, Math.min(chosen().length - 1, to()));
    show();
  };
  const button = (textContent, to) => {
    const made = make("button", { type: "button", textContent });
    made.addEventListener("click", () => made.getAttribute("aria-disabled") === "true" || go(to)());
    return made;
  };
  const before = button("‹ Before", () => at - 1);
  const after = button("Next ›", () => at + 1);
  const all = button("All", () => -1);
  const bar = make("div", { className: "stepper" });
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Step through the packets");
  if (rows.length) bar.append(before, after, all);
  if (clients.length > 1) {
    const select = make("select", {}, make("option", { value: "", textContent: "all clients" }));
    for (const name of clients) select.append(make("option", { value: name, textContent: name }));
    select.addEventListener("change", () => {
      client = select.value;
      at = -1;
      show();
    });
    bar.append(make("label", {}, "Show ", select));
  }
  bar.append(said);
  bar.addEventListener("keydown", ({ key, target }) => {
    if (target.tagName !== "BUTTON") return;
    if (key === "ArrowRight") go(() => at + 1)();
    else if (key === "ArrowLeft") go(() => at - 1)();
  });
  (steps || wire.querySelector("ol")).before(bar);
  show();
};
document.addEventListener("DOMContentLoaded", () => {
  const theme = document.getElementById(`theme-${root.dataset.theme || "auto"}`);
  if (theme) theme.checked = true;
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.name === "theme") {
      if (input.value === "auto") delete root.dataset.theme;
      else root.dataset.theme = input.value;
      try {
        localStorage.setItem("theme", input.value);
      } catch {
        return;
      }
    } else if (input.dataset.question !== undefined) chosen(input);
  });
  // Beside the text it always stands open; browsers that cannot say so in CSS get it here.
  const outline = document.querySelector("#outline details");
  const wide = matchMedia("(min-width: 76rem)");
  const unfold = () => {
    if (outline) outline.open = wide.matches;
  };
  unfold();
  wide.addEventListener("change", unfold);
  reveal();
  // What is far from the window waits until it comes near: to measure it the browser would have to lay it out.
  const measured = new Set();
  const near = new IntersectionObserver(
    (entries) => {
      const boxes = [];
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        if (target.matches(".wire")) stepThrough(target);
        if (target.matches(".scroll")) boxes.push(target);
      }
      measure(boxes);
      for (const box of boxes) measured.add(box);
    },
    { rootMargin: "100%" },
  );
  for (const one of document.querySelectorAll(".wire, .scroll")) near.observe(one);
  document.addEventListener("toggle", ({ target }) => measure([...target.querySelectorAll(".scroll")]), true);
  addEventListener("resize", () => measure([...measured]));
  const links = new Map([...document.querySelectorAll("#outline a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const a of links.values()) a.removeAttribute("aria-current");
        links.get(encodeURIComponent(entry.target.id))?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "0px 0px -75% 0px" },
  );
  for (const hash of links.keys()) {
    const heading = document.getElementById(decodeURIComponent(hash));
    if (heading) seen.observe(heading);
  }
});
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not(.solution, .hint, .wire li > details, .view details)"))
    fold.open = true;
});
