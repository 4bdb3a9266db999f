/** Google's lists of models have this before each name, and its models are called with and without it. */
const FOLDER = 'models/'

/**
 * A pattern of models: `*` stands for any characters. With a slash the part before the first one is a pattern of names of
 * providers. Upper and lower case are the same: some providers take both. So is a name with and without `models/`.
 */
export class ModelGlob {
  readonly #provider: readonly string[] | undefined
  readonly #model: readonly string[]

  constructor(pattern: string) {
    const slash = pattern.indexOf('/')
    this.#provider = slash < 0 ? undefined : piecesOf(pattern.slice(0, slash))
    this.#model = piecesOf(pattern.slice(slash + 1))
  }

  /** Whether it means this model of the provider of this name. */
  matches(provider: string, model: string): boolean {
    const name = model.toLowerCase()
    return (
      (this.#provider === undefined || matches(this.#provider, provider.toLowerCase())) &&
      (matches(this.#model, name) ||
        (name.startsWith(FOLDER) && matches(this.#model, name.slice(FOLDER.length))))
    )
  }
}

function piecesOf(pattern: string): string[] {
  return pattern.toLowerCase().split('*')
}

/** Each piece at its first place behind the one before: no other choice would leave more room, so the time is linear. */
function matches(pieces: readonly string[], text: string): boolean {
  const [first = '', ...others] = pieces
  const last = others.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of others) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
