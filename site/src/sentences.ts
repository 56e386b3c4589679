/** Sentences of the prose that other pages quote: what a term means, what a statement demands. */

/** A sentence ends at a mark and a space; it may begin with a word of code, so its first letter says nothing. */
const sentencesOf = (block: string): string[] => block.split(/(?<=[.?!]["”’)]?)(?<!\b(?:e\.g|i\.e|cf|vs|etc)\.)\s+/u);

/** The first sentence of these blocks that has the term, also in the plural and as code writes it ("keep alive", keepalive). */
export function sentenceWith(term: string, blocks: readonly string[]): string {
  const letters = term
    .slice(0, 80)
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/[\s-]+/g, "[\\s-]?");
  const word = new RegExp(`(?<![\\p{L}\\p{N}])${letters}`, "iu");
  for (const block of blocks) {
    // A heading names a term and does not teach it.
    const found = /[.?!:]/.test(block) ? sentencesOf(block).find((sentence) => word.test(sentence)) : undefined;
    if (found) return short(found.trim());
  }
  return "";
}

/** "[MQTT-3.1.0-1]: the first packet …" in prose -> what it says. */
export function statementsIn(blocks: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const block of blocks) {
    for (const [i, sentence] of sentencesOf(block).entries()) {
      for (const [mark, id] of sentence.matchAll(/\[(MQTT-\d+\.\d+\.\d+-\d+)\]:?/g)) {
        if (!id || found[id]) continue;
        const rest = sentence.slice(sentence.indexOf(mark) + mark.length).trim();
        const own = rest.length > 20 ? rest : sentence.replace(mark, "").trim() || (sentencesOf(block)[i + 1] ?? "");
        found[id] = short(own.charAt(0).toUpperCase() + own.slice(1));
      }
    }
  }
  return found;
}

const short = (text: string): string => (text.length > 280 ? `${text.slice(0, 279).replace(/\s+\S*$/, "")} …` : text);
