/** What ranking looks at (CH-1112). */
export interface RankedTemplate {
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly active: number
  readonly deleted: number
  readonly daysSinceUse: number | undefined
  readonly developers: number
}

/** A template with how well it fits. */
export interface Ranked<T extends RankedTemplate> {
  readonly template: T
  /** 4 exact, 3 beginning, 2 within a name, 1 within the description; 0 without a query. */
  readonly tier: number
  readonly score: number
}

const HALF_LIFE_DAYS = 14
/** As much as two users more or less make. */
const MIN_SCORE = Math.log(3)
const MIN_LEAD = Math.log(3) - Math.log(2)

/** Templates that match, the best first: by how they match, then by use, then by name. */
export function rankTemplates<T extends RankedTemplate>(
  templates: readonly T[],
  query: string,
): readonly Ranked<T>[] {
  const wanted = folded(query)
  return templates
    .map((template) => ({
      template,
      tier: wanted === '' ? 0 : tierOf(template, wanted),
      score: affinity(template),
    }))
    .filter(({ tier }) => wanted === '' || tier > 0)
    .sort(
      (a, b) =>
        b.tier - a.tier ||
        b.score - a.score ||
        compare(a.template.name, b.template.name) ||
        compare(a.template.id, b.template.id),
    )
}

/** The template to use without asking: the only one, one that matches better, or one that is used clearly more. */
export function recommended<T extends RankedTemplate>(ranked: readonly Ranked<T>[]): T | undefined {
  const [first, second] = ranked
  if (first === undefined) return undefined
  if (second === undefined || first.tier > second.tier) return first.template
  return first.score >= MIN_SCORE && first.score - second.score >= MIN_LEAD ? first.template : undefined
}

/** How close a template is to a user: own workspaces count less the longer ago they were used. */
export function affinity({ active, deleted, daysSinceUse, developers }: RankedTemplate): number {
  const own =
    daysSinceUse === undefined ? 0 : 10 * (active + 0.5 * deleted) * 0.5 ** (daysSinceUse / HALF_LIFE_DAYS)
  return own + Math.log(1 + developers)
}

function tierOf({ name, displayName, description }: RankedTemplate, wanted: string): number {
  const names = [folded(name), folded(displayName)]
  if (names.includes(wanted)) return 4
  if (names.some((one) => one.startsWith(wanted))) return 3
  if (names.some((one) => one.includes(wanted))) return 2
  return folded(description).includes(wanted) ? 1 : 0
}

/** Without case, spaces, dashes and underscores. */
function folded(text: string): string {
  return text.toLowerCase().replace(/[\s_-]+/g, '')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
