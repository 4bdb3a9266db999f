import { readMarkdown } from '../ui/read-markdown.ts'

/** The blocks of a text: those that nothing can change any more, and the last one. */
interface Blocks {
  readonly settled: readonly string[]
  readonly open: string
}

/**
 * Splits Markdown that grows at its end into blocks, and reads only the last one again (UI-1129). A text that is
 * not the continuation of the one before is read anew.
 */
export class BlockSplitter {
  #text = ''
  #settled: readonly string[] = []
  #end = 0
  #last: Blocks = { settled: [], open: '' }

  split(text: string): Blocks {
    if (text !== this.#text) this.#last = this.#read(text)
    return this.#last
  }

  #read(text: string): Blocks {
    if (!text.startsWith(this.#text)) {
      this.#settled = []
      this.#end = 0
    }
    this.#text = text
    const rest = text.slice(this.#end)
    const tokens = readMarkdown(rest)
    const last = tokens.findLastIndex(({ type }) => type !== 'space')
    let length = 0
    const settled: string[] = []
    for (const token of tokens.slice(0, Math.max(0, last))) {
      length += token.raw.length
      if (token.type !== 'space') settled.push(token.raw)
    }
    // Tabs and line ends may have been rewritten: then lengths do not add up, and everything is read again next time.
    if (settled.length > 0 && rest.startsWith(tokens[0]?.raw ?? '') && raws(tokens) === rest) {
      this.#settled = [...this.#settled, ...settled]
      this.#end += length
      return { settled: this.#settled, open: rest.slice(length) }
    }
    if (settled.length === 0) return { settled: this.#settled, open: rest }
    return {
      settled: [...this.#settled, ...settled],
      open: tokens
        .slice(last)
        .map(({ raw }) => raw)
        .join(''),
    }
  }
}

function raws(tokens: readonly { readonly raw: string }[]): string {
  return tokens.map(({ raw }) => raw).join('')
}
