/** The heading that models begin their thoughts with, and the thoughts without it (UI-1131). */
export function reasoningTitle(text: string): { readonly title: string | undefined; readonly rest: string } {
  const found = /^\s*(?:\*\*([^*\n]{1,120})\*\*|#{1,4} +([^\n]{1,120}?) *)(?:\n|$)/.exec(text)
  if (found === null) return { title: undefined, rest: text }
  return { title: (found[1] ?? found[2] ?? '').trim(), rest: text.slice(found[0].length).trimStart() }
}

/** The heading of the thought that is under way: the last one. */
export function latestThought(text: string): string | undefined {
  return [...text.matchAll(/^\s*(?:\*\*([^*\n]{1,120})\*\*|#{1,4} +([^\n]{1,120}))\s*$/gm)]
    .map((found) => found[1] ?? found[2])
    .at(-1)
}
