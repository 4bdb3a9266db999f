/** How calls are joined. */
export interface BatchOptions {
  /** Calls of one statement. */
  readonly max?: number
  /** Statements under way; who comes while there are so many waits and goes with the others that wait. */
  readonly atOnce?: number
}

interface Waiting<Input, Output> {
  readonly input: Input
  readonly settled: PromiseWithResolvers<Output>
}

/**
 * Joins calls that come in the same turn of the event loop, or while others are under way, to one statement: under load
 * a round trip, a plan and a commit are most of what a small statement costs. Nobody joins a statement that was sent
 * already, so that each sees all that was stored before it called.
 */
export class Batches<Input, Output> {
  readonly #run: (inputs: readonly Input[]) => Promise<readonly Output[]>
  readonly #max: number
  readonly #atOnce: number
  #waiting: Waiting<Input, Output>[] = []
  #underWay = 0
  #scheduled = false

  /** @param run gives the outcome of each input, in their order; it is all or nothing. */
  constructor(
    run: (inputs: readonly Input[]) => Promise<readonly Output[]>,
    { max = 64, atOnce = 2 }: BatchOptions = {},
  ) {
    this.#run = run
    this.#max = max
    this.#atOnce = atOnce
  }

  /** The outcome of one call. Rejects as it would by itself: what one input is refused for is no other's fault. */
  call(input: Input): Promise<Output> {
    const settled = Promise.withResolvers<Output>()
    this.#waiting.push({ input, settled })
    this.#schedule()
    return settled.promise
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay >= this.#atOnce) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#send()
    })
  }

  async #send(): Promise<void> {
    const batch = this.#waiting.slice(0, this.#max)
    this.#waiting = this.#waiting.slice(this.#max)
    this.#underWay += 1
    this.#schedule()
    try {
      await this.#settle(batch)
    } finally {
      this.#underWay -= 1
      this.#schedule()
    }
  }

  async #settle(batch: readonly Waiting<Input, Output>[]): Promise<void> {
    try {
      const outputs = await this.#run(batch.map(({ input }) => input))
      if (outputs.length !== batch.length) throw new Error('a statement has lost the outcome of a call')
      for (const [index, output] of outputs.entries()) batch[index]?.settled.resolve(output)
    } catch (error) {
      if (batch.length === 1) batch[0]?.settled.reject(error)
      else for (const one of batch) await this.#settle([one])
    }
  }
}

/** One of these for each database or transaction that calls come for. */
export function batchesOf<Connection extends object, Input, Output>(
  run: (db: Connection, inputs: readonly Input[]) => Promise<readonly Output[]>,
  options: BatchOptions = {},
): (db: Connection, input: Input) => Promise<Output> {
  const known = new WeakMap<Connection, Batches<Input, Output>>()
  return (db, input) => {
    let batches = known.get(db)
    if (batches === undefined) {
      batches = new Batches((inputs: readonly Input[]) => run(db, inputs), options)
      known.set(db, batches)
    }
    return batches.call(input)
  }
}
