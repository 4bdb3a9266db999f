import type { Transport } from '../model/language-model.ts'

/** Gives the calls of tools ids that a provider takes, each one id of its own, always the same for the same (CH-704). */
export class CallIds {
  readonly #given = new Map<string, string>()
  readonly #used = new Set<string>()
  readonly #length: number

  constructor(transport: Transport) {
    this.#length = lengthFor(transport)
  }

  /** The id that stands for a stored one. */
  of(stored: string): string {
    const known = this.#given.get(stored)
    if (known !== undefined) return known
    const clean = stored.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, this.#length)
    let id = clean === '' ? 'call' : clean
    for (let n = 2; this.#used.has(id); n += 1) {
      const suffix = `-${n}`
      id = `${clean.slice(0, this.#length - suffix.length)}${suffix}`
    }
    this.#given.set(stored, id)
    this.#used.add(id)
    return id
  }
}

function lengthFor(transport: Transport): number {
  switch (transport) {
    case 'openai-chat':
    case 'openai-compatible':
    case 'openrouter':
      return 40
    case 'openai-responses':
    case 'anthropic':
    case 'bedrock':
    case 'google':
      return 64
  }
}
