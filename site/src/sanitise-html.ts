import sanitizeHtml from "sanitize-html";
import { safeStyle } from "./style";

/**
 * HTML of an output without anything that acts: no script, handler, form, frame, id, class, foreign address in an image.
 * `themed` is for views that we drew: their colours become the page's own.
 */
export function sanitiseHtml(html: string, options: { themed?: boolean } = {}): string {
  return sanitizeHtml(html, options.themed ? OWN : FOREIGN);
}

const settings = (themed: boolean): sanitizeHtml.IOptions => ({
  allowedTags: TAGS,
  allowedAttributes: {
    "*": ["style", "title", "dir", "lang"],
    a: ["href", "rel"],
    img: ["src", "alt", "width", "height"],
    td: ["colspan", "rowspan", "align"],
    th: ["colspan", "rowspan", "scope", "align"],
    ol: ["start", "type"],
    details: ["open"],
    time: ["datetime"],
    col: ["span"],
    colgroup: ["span"],
  },
  allowedSchemes: ["http", "https", "mailto"],
  allowedSchemesByTag: { img: ["data"] },
  allowProtocolRelative: false,
  // Styles are filtered below, by our own list.
  parseStyleAttributes: false,
  disallowedTagsMode: "discard",
  // What would leave its inner text behind as if it were prose.
  nonTextTags: [
    "script",
    "style",
    "textarea",
    "option",
    "select",
    "noscript",
    "template",
    "iframe",
    "object",
    "embed",
  ].concat(["svg", "math", "title", "noembed", "noframes", "xmp", "plaintext", "audio", "video", "canvas", "map"]),
  nestingLimit: 60,
  transformTags: {
    "*": (tagName, attribs) => ({ tagName, attribs: styled(attribs, themed) }),
    a: (_tagName, attribs) => link(attribs),
    img: (_tagName, attribs) => image(attribs, themed),
    // Headings of an output are no headings of the page.
    ...Object.fromEntries(
      ["h1", "h2", "h3", "h4", "h5", "h6"].map((name) => [
        name,
        (_: string, attribs: sanitizeHtml.Attributes) => ({
          tagName: "p",
          attribs: { ...styled(attribs, themed), style: `font-weight:600;${styled(attribs, themed).style ?? ""}` },
        }),
      ]),
    ),
  },
});

const TAGS = (
  "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure hr i " +
  "img ins kbd li mark ol p pre q rp rt ruby s samp small span strong sub summary sup table tbody td tfoot th thead " +
  "time tr u ul var wbr"
).split(" ");

function styled(attribs: sanitizeHtml.Attributes, themed: boolean): sanitizeHtml.Attributes {
  const { style, ...rest } = attribs;
  const kept = style === undefined ? undefined : safeStyle(style, themed);
  return kept === undefined ? rest : { ...rest, style: kept };
}

/** Only to other hosts and to mail: a link of an output into the page leads nowhere. */
function link({ href, ...attribs }: sanitizeHtml.Attributes): sanitizeHtml.Tag {
  const outside = /^(?:https?:|mailto:)/i.test(href ?? "");
  return {
    tagName: "a",
    attribs: outside ? { ...attribs, href: href as string, rel: "noopener noreferrer nofollow" } : attribs,
  };
}

const RASTER = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$/i;

function image(attribs: sanitizeHtml.Attributes, themed: boolean): sanitizeHtml.Tag {
  const src = attribs.src ?? "";
  if (!RASTER.test(src)) return { tagName: "span", attribs: {}, text: `[image: ${attribs.alt || "without words"}]` };
  return { tagName: "img", attribs: { ...styled(attribs, themed), alt: attribs.alt ?? "" } };
}

const OWN = settings(true);
const FOREIGN = settings(false);

/** Whether anything is left to see. */
export const showsSomething = (html: string): boolean =>
  /<(?:img|hr)\b/.test(html) || html.replace(/<[^>]*>|&nbsp;|\s/g, "") !== "";
