import { parseSkill, type SkillFile } from '@slipway/contract'
import { utf8Length } from './long-text.ts'

/** As long as a skill may be (CH-1303), in bytes of UTF-8. */
export const MOST_SKILL_BYTES = 65_536

/** Where a new skill begins. */
export const EMPTY_SKILL = '---\nname: \ndescription: \n---\n\n'

/** What a text says as a skill, or what keeps it from being one. `kept` is the name of one that is there already. */
export function readSkillText(text: string, kept?: string): SkillFile | { readonly error: string } {
  const over = utf8Length(text) - MOST_SKILL_BYTES
  if (over > 0)
    return {
      error: `${over.toLocaleString('en-US')} bytes too long: a skill has at most ${MOST_SKILL_BYTES.toLocaleString('en-US')}`,
    }
  if (text.includes('\0')) return { error: 'NUL characters cannot be stored' }
  if (/^name:[ \t]*$/m.test(text.split(/^---[ \t]*$/m)[1] ?? ''))
    return { error: 'the front matter has no name yet: write one such as review-changes' }
  const skill = parseSkill(text)
  if ('error' in skill) return skill
  if (kept !== undefined && skill.name !== kept)
    return { error: `a skill keeps its name: this one is ${kept}, not ${skill.name}` }
  return skill
}
