import { scrollBox } from "./scroll";
import { svgSize } from "./svg-size";

/** A lab's picture for another page: in a box of its own. It has no ids, so it can stand anywhere. */
export const boxed = (svg: string): string => scrollBox("A sequence of packets", svg, "view");

/** A picture shrinks by a quarter at most; then its box scrolls. */
export function legible(svg: string): string {
  const size = svgSize(svg);
  return size ? svg.replace(' style="', ` style="min-width:${Math.round(Math.min(size.width, 2400) * 0.75)}px;`) : svg;
}

/** Of a page's sequences the one that says most in one look: some packets, not many, several clients. */
export function bestPicture(html: string): { svg: string; worth: number } | undefined {
  let best: { svg: string; worth: number } | undefined;
  for (const [svg] of html.matchAll(/<svg [\s\S]*?<\/svg>/g)) {
    const packets = svg.split("data-packet=").length - 1;
    const size = svgSize(svg);
    if (!packets || !size || size.width > 1_200) continue;
    const worth = 20 - Math.abs(packets - 7) - (packets > 9 ? 8 : 0);
    if (!best || worth > best.worth) best = { svg, worth };
  }
  return best;
}
