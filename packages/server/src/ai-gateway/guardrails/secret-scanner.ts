import { LinearRegExp, type StepBudget } from '../../linear-regexp/index.ts'
import { PERSONAL_SHAPES, SECRET_SHAPES, type SecretShape } from './secret-shapes.ts'

/** Where a text holds something that should not leave, and of which kind it is. */
export interface Finding {
  readonly kind: string
  readonly start: number
  readonly end: number
}

/** What an administrator's own patterns find. */
const OWN_KIND = 'pattern'

const KEY_BEGINS = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g
const KEY_ENDS = '-----END '
const ARMOUR = '-----'

/** Finds secrets in texts, in time that is linear in their length (AG-B17). */
export class SecretScanner {
  readonly #shapes: { readonly expression: RegExp; readonly kinds: readonly string[] }[]
  readonly #patterns: readonly LinearRegExp[]

  /**
   * @param patterns further expressions, of the syntax of RE2.
   * @param personal whether addresses, numbers of cards and the like count too.
   * @throws RegExpSyntaxError for a pattern that is none.
   */
  constructor(patterns: readonly string[] = [], { personal = false } = {}) {
    this.#shapes = [together(SECRET_SHAPES), ...(personal ? [together(PERSONAL_SHAPES)] : [])]
    this.#patterns = patterns.map((pattern) => new LinearRegExp(pattern))
  }

  /**
   * What is found, in order and without overlaps.
   *
   * @param budget for the patterns of administrators. @throws StepBudgetExceeded.
   */
  find(text: string, budget: StepBudget): readonly Finding[] {
    const all = privateKeys(text)
    for (const { expression, kinds } of this.#shapes) {
      expression.lastIndex = 0
      for (let match = expression.exec(text); match !== null; match = expression.exec(text)) {
        const kind = kinds[match.slice(1).findIndex((group) => group !== undefined)] ?? OWN_KIND
        if (isMeant(kind, match[0])) all.push({ kind, start: match.index, end: expression.lastIndex })
      }
    }
    for (const pattern of this.#patterns)
      for (const span of pattern.spans(text, budget)) all.push({ kind: OWN_KIND, ...span })
    return withoutOverlaps(all)
  }
}

/** A text with a mark in the place of each finding. */
export function redacted(text: string, findings: readonly Finding[]): string {
  let result = ''
  let from = 0
  for (const { kind, start, end } of findings) {
    result += `${text.slice(from, start)}[redacted:${kind}]`
    from = end
  }
  return result + text.slice(from)
}

/** One expression for all shapes, with a group for each. */
function together(shapes: readonly SecretShape[]): {
  readonly expression: RegExp
  readonly kinds: readonly string[]
} {
  const plain = shapes.filter(({ dashed }) => dashed !== true)
  const dashed = shapes.filter((shape) => shape.dashed === true)
  const either = (some: readonly SecretShape[]): string => some.map(({ source }) => `(${source})`).join('|')
  const parts = [
    ...(plain.length === 0 ? [] : [`(?<!\\w)(?:${either(plain)})`]),
    ...(dashed.length === 0 ? [] : [`(?<![\\w-])(?:${either(dashed)})`]),
  ]
  return {
    expression: new RegExp(parts.join('|'), 'g'),
    kinds: [...plain, ...dashed].map(({ kind }) => kind),
  }
}

/** Private keys in armour. The end of one is looked for only while there may be one. */
function privateKeys(text: string): Finding[] {
  const found: Finding[] = []
  KEY_BEGINS.lastIndex = 0
  let endless = false
  for (let match = KEY_BEGINS.exec(text); match !== null; match = KEY_BEGINS.exec(text)) {
    const inside = KEY_BEGINS.lastIndex
    const last: number = endless ? -1 : text.indexOf(KEY_ENDS, inside)
    endless = last === -1
    const close = last === -1 ? -1 : text.indexOf(ARMOUR, last + KEY_ENDS.length)
    // One that is cut off has its secret in what is left.
    const end = close === -1 ? text.length : close + ARMOUR.length
    found.push({ kind: 'private_key', start: match.index, end })
    KEY_BEGINS.lastIndex = end
  }
  return found
}

/** Numbers that only look like those of cards or accounts have no check digit that fits. */
function isMeant(kind: string, text: string): boolean {
  switch (kind) {
    case 'card_number':
      return passesLuhn(text.replaceAll(/\D/g, ''))
    case 'iban':
      return passesMod97(text.replaceAll(' ', ''))
    default:
      return true
  }
}

/** ISO/IEC 7812-1. */
function passesLuhn(digits: string): boolean {
  if (digits.length < 13 || digits.length > 19) return false
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}

/** ISO 13616. */
function passesMod97(account: string): boolean {
  if (account.length < 15 || account.length > 34) return false
  const turned = account.slice(4) + account.slice(0, 4)
  let rest = 0
  for (const character of turned)
    for (const digit of Number.parseInt(character, 36).toString()) rest = (rest * 10 + Number(digit)) % 97
  return rest === 1
}

/** In order; of those that overlap the one that begins first, and joined with what reaches beyond it. */
function withoutOverlaps(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < 2) return findings
  const kept: Finding[] = []
  let last: Finding | undefined
  for (const finding of findings.toSorted((one, other) => one.start - other.start || other.end - one.end)) {
    if (last !== undefined && finding.start < last.end) {
      if (finding.end <= last.end) continue
      kept.pop()
      last = { ...last, end: finding.end }
    } else last = finding
    kept.push(last)
  }
  return kept
}
