// Everything on the page works without this. It remembers the theme, opens what a link or the printer needs, and puts
// the reader's forecast beside what was observed.
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
const boxes = () => {
  for (const box of document.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
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
  boxes();
  document.addEventListener("toggle", boxes, true);
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
addEventListener("resize", boxes);
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not(.solution, .hint, .view details)")) fold.open = true;
});
