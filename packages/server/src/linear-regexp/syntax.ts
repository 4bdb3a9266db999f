/** What one character of the text must be. */
export interface CharacterTest {
  readonly passes: (codePoint: number) => boolean
  /** Comparisons that it takes at most. */
  readonly cost: number
}

/** A place in the text, rather than a character of it. */
export type Place = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-edge' | 'no-word-edge'

/** A regular expression as a tree. */
export type Expression =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  | {
      readonly kind: 'repetition'
      readonly of: Expression
      readonly min: number
      /** Undefined is without end. */
      readonly max: number | undefined
    }

/** What is wrong with a regular expression, for whoever wrote it. */
export class RegExpSyntaxError extends Error {
  override readonly name = 'RegExpSyntaxError'
}
