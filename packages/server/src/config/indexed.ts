import type { Environment } from './option.ts'

/** Settings of one member of a family: text by key, such as `CLIENT_ID`. */
export type Member = ReadonlyMap<string, string>

/**
 * Members of an indexed family such as `CODER_EXTERNAL_AUTH_0_ID`, in order (OP-8). Empty variables count as
 * unset; variables for which `foreign` holds belong to something else. Members must be contiguous from 0.
 */
export function readMembers(
  environment: Environment,
  prefix: string,
  foreign: (rest: string) => boolean = () => false,
): { readonly members: readonly Member[]; readonly problems: readonly string[] } {
  const byIndex = new Map<number, Map<string, string>>()
  const problems: string[] = []
  for (const [variable, value] of Object.entries(environment)) {
    const rest = variable.startsWith(prefix) ? variable.slice(prefix.length) : ''
    if (rest === '' || value === undefined || value === '' || foreign(rest)) continue
    const [, digits, key] = /^(\d{1,6})_(.+)$/.exec(rest) ?? []
    if (digits === undefined || key === undefined) {
      problems.push(`${variable}: must be ${prefix}<number>_<key>, such as ${prefix}0_ID`)
      continue
    }
    const member = byIndex.get(Number(digits)) ?? new Map<string, string>()
    byIndex.set(Number(digits), member.set(key, value))
  }
  const indices = [...byIndex.keys()].sort((a, b) => a - b)
  const gap = indices.findIndex((index, position) => index !== position)
  if (gap !== -1)
    problems.push(`${prefix}${gap}_…: is missing, but ${prefix}${indices[gap]}_… is set; count from 0`)
  return { members: indices.map((index) => byIndex.get(index) ?? new Map()), problems }
}
