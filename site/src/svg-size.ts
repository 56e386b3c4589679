/** Width and height in pixels, from the attributes or the view box; undefined when they are not plain numbers. */
export function svgSize(svg: string): { width: number; height: number } | undefined {
  const head = svg.slice(0, svg.indexOf(">") + 1);
  const number = (name: string): number => Number(new RegExp(`\\s${name}="([\\d.]+)(?:px)?"`).exec(head)?.[1]);
  const [, , w, h] = (/viewBox="([^"]*)"/.exec(head)?.[1] ?? "").split(/[\s,]+/).map(Number);
  const width = number("width") || w || 0;
  const height = number("height") || h || 0;
  return width > 0 && height > 0 ? { width, height } : undefined;
}
