import type { Group } from './groups.ts'
import type { AnyOption } from './option.ts'
import { optionEntries } from './options.ts'
import { describe } from './without-effect.ts'

const USAGE = `Usage: npm start -- [flags]

Starts the server. Each setting is read from its flag, else its variable, else the YAML file that
--config names, else its default. A secret may also be the content of a file: --<flag>-file or
<VARIABLE>_FILE with its path.`

/** Text of `--help`: the options that are not hidden, by group, in the order of the table. */
export function helpText(): string {
  const groups = new Map<Group | undefined, (readonly [string, AnyOption])[]>()
  for (const [key, option] of optionEntries) {
    if (option.hidden || option.flag === undefined) continue
    groups.set(option.group, [...(groups.get(option.group) ?? []), [key, option]])
  }
  const sections = [...groups].map(([group, options]) => {
    const title = group === undefined ? 'General' : groupTitle(group)
    return `${title}:\n${options.map(([key, option]) => entry(key, option)).join('\n')}`
  })
  return `${USAGE}\n\n${sections.join('\n\n')}\n`
}

/** Name of a group under the names of the groups above it, such as `Networking / TLS`. */
export function groupTitle(group: Group): string {
  return group.parent === undefined ? group.name : `${groupTitle(group.parent)} / ${group.name}`
}

function entry(key: string, option: AnyOption): string {
  const short = option.shorthand === undefined ? '' : `-${option.shorthand}, `
  const kind = option.type.kind === 'bool' ? '' : ` ${option.type.kind}`
  const facts = [
    ...(option.env === undefined ? [] : [option.env]),
    ...(option.default === undefined || option.default === '' ? [] : [`default ${option.default}`]),
  ]
  return `  ${short}--${option.flag}${kind}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}\n      ${describe(key, option)}`
}
