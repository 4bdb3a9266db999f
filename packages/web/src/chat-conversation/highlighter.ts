import { type Colours, MAX_CHARACTERS, NO_COLOURS } from './highlight.ts'

export interface HighlightRequest {
  readonly id: number
  readonly texts: readonly string[]
  readonly language: string
}

export interface HighlightAnswer {
  readonly id: number
  /** Of each text, in the same order. */
  readonly colours: readonly Colours[]
}

/** Code whose colours are kept: rows that come back into sight have theirs at once. */
const MOST_KEPT = 64
const LONGEST_KEPT = 100_000
/** Requests that wait; beyond it code stays plain until it is shown again. */
const MOST_WAITING = 512

/** Asks the worker for the colours of code, and keeps some of them. One for the whole page. */
class Highlighter {
  readonly #waiting = new Map<number, (colours: readonly Colours[] | undefined) => void>()
  readonly #kept = new Map<string, Colours>()
  #worker: Worker | undefined
  #broken = false
  #last = 0

  /** Colours that are known already. */
  known(text: string, language: string): Colours | undefined {
    const key = `${language}\n${text}`
    const colours = this.#kept.get(key)
    if (colours !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, colours)
    }
    return colours
  }

  /** Undefined where there is nobody to ask: then code stays plain. */
  async ask(texts: readonly string[], language: string): Promise<readonly Colours[] | undefined> {
    if (texts.reduce((sum, { length }) => sum + length, 0) > MAX_CHARACTERS)
      return texts.map(() => NO_COLOURS)
    const worker = this.#start()
    if (worker === undefined || this.#waiting.size >= MOST_WAITING) return undefined
    const id = ++this.#last
    const answered = new Promise<readonly Colours[] | undefined>((resolve) => this.#waiting.set(id, resolve))
    const request: HighlightRequest = { id, texts, language }
    worker.postMessage(request)
    const colours = await answered
    const [text] = texts
    const [first] = colours ?? []
    if (texts.length === 1 && text !== undefined && first !== undefined) this.#keep(text, language, first)
    return colours
  }

  #keep(text: string, language: string, colours: Colours): void {
    if (text.length > LONGEST_KEPT) return
    this.#kept.set(`${language}\n${text}`, colours)
    for (const key of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break
      this.#kept.delete(key)
    }
  }

  #start(): Worker | undefined {
    if (this.#broken || this.#worker !== undefined || typeof Worker === 'undefined') return this.#worker
    const worker = new Worker(new URL('./highlight-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<HighlightAnswer>) => {
      const resolve = this.#waiting.get(data.id)
      this.#waiting.delete(data.id)
      resolve?.(data.colours)
    })
    // Its file is gone after an update, or cannot be read: the page does without colours (UI-2107).
    worker.addEventListener('error', () => {
      this.#broken = true
      this.#worker = undefined
      worker.terminate()
      for (const resolve of this.#waiting.values()) resolve(undefined)
      this.#waiting.clear()
    })
    this.#worker = worker
    return worker
  }
}

export const highlighter = new Highlighter()
