/** What a skill says: when to use it, and how. */
export interface SkillFile {
  readonly name: string
  readonly description: string
  readonly body: string
}

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/
const MAX_NAME = 64
const MAX_DESCRIPTION = 1_024

/**
 * Reads a `SKILL.md`: a front matter between lines of `---` with `name` and `description`, then what to do (CH-1303).
 *
 * @param folder name of the skill's folder, which has to be the name of the skill; undefined without a folder.
 */
export function parseSkill(text: string, folder?: string): SkillFile | { readonly error: string } {
  const [, matter = '', body = ''] =
    /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n([\s\S]*))?$/.exec(text) ?? []
  if (matter === '') return { error: 'the file does not begin with a front matter between lines of ---' }
  const fields = frontMatter(matter)
  const name = fields.get('name') ?? ''
  const description = (fields.get('description') ?? '').slice(0, MAX_DESCRIPTION)
  if (!NAME.test(name) || name.length > MAX_NAME)
    return { error: `the name ${JSON.stringify(name.slice(0, 80))} is not in kebab-case` }
  if (folder !== undefined && name !== folder)
    return { error: `the name ${name} is not that of its folder ${folder.slice(0, 80)}` }
  if (description === '') return { error: 'the front matter has no description' }
  return { name, description, body: body.trim() }
}

/** The scalars of a flat mapping of YAML: plain, quoted, and in blocks. */
function frontMatter(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  const lines = text.split(/\r?\n/)
  for (let i = 0; i < lines.length; i += 1) {
    const [, key, value = ''] = /^([A-Za-z_][\w-]*):[ \t]*(.*)$/.exec(lines[i] ?? '') ?? []
    if (key === undefined) continue
    const more: string[] = []
    while (i + 1 < lines.length && /^([ \t]+\S|[ \t]*$)/.test(lines[i + 1] ?? '')) {
      i += 1
      more.push((lines[i] ?? '').trim())
    }
    if (/^[|>][+-]?$/.test(value)) fields.set(key, more.join(value.startsWith('|') ? '\n' : ' ').trim())
    else fields.set(key, unquoted([value, ...more].join(' ').trim()))
  }
  return fields
}

function unquoted(value: string): string {
  const quote = value[0]
  if (value.length < 2 || value.at(-1) !== quote) return value
  if (quote === "'") return value.slice(1, -1).replaceAll("''", "'")
  return quote === '"' ? value.slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\') : value
}
