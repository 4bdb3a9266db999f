/** Messages that have come and wait for who takes them: not more than `most`, then `put` waits too. */
export class Inbox<T> implements AsyncIterable<T> {
  readonly #most: number
  readonly #items: T[] = []
  #ended = false
  #failure: Error | undefined
  #wakeTaker: () => void = () => undefined
  #wakePutter: () => void = () => undefined

  constructor(most: number) {
    this.#most = most
  }

  /** Adds an item; resolves when there is room for the next, or nobody will take it any more. */
  async put(item: T): Promise<void> {
    if (this.#ended) return
    this.#items.push(item)
    this.#wakeTaker()
    while (this.#items.length >= this.#most && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wakePutter = resolve
      })
  }

  /** Nothing more comes; what is there is still taken, unless it failed. */
  end(failure?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    if (failure !== undefined) this.#items.length = 0
    this.#wakeTaker()
    this.#wakePutter()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.#items.shift()
      if (item !== undefined) {
        this.#wakePutter()
        yield item
      } else if (this.#failure !== undefined) throw this.#failure
      else if (this.#ended) return
      else
        await new Promise<void>((resolve) => {
          this.#wakeTaker = resolve
        })
    }
  }
}
