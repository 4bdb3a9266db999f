import { Document, isMap, isScalar, YAMLMap } from 'yaml'

import { type AnyOption, optionLabel, yamlPath } from './option.ts'
import { type Configuration, optionEntries } from './options.ts'

const COMMENT_WIDTH = 100

/** The configuration as a commented YAML file that reads back as the same one (OP-4); it holds no secret. */
export function effectiveYaml({ config }: Configuration): string {
  const document = new Document(new YAMLMap())
  const values = new Map<string, unknown>(Object.entries(config))
  for (const [key, option] of optionEntries) {
    const path = yamlPath(option)?.split('.')
    if (path === undefined) continue
    document.setIn(path, yamlValue(option, values.get(key)))
    comment(document, path, option)
  }
  return document.toString({ lineWidth: 0 })
}

function comment(document: Document, path: readonly string[], option: AnyOption): void {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isMap(parent)) return
  const pair = parent.items.find((item) => (isScalar(item.key) ? item.key.value : item.key) === path.at(-1))
  if (pair === undefined) return
  const key = document.createNode(path.at(-1))
  key.commentBefore = wrap(`${option.help} (${option.type.kind})`)
  pair.key = key
}

function wrap(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length >= COMMENT_WIDTH) lines.push(` ${word}`)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines.join('\n')
}

/** A YAML node that the type of the option reads back. */
function yamlValue(option: AnyOption, value: unknown): unknown {
  if (typeof value === 'boolean' || Array.isArray(value)) return option.type.toJson(value)
  if (option.type.kind === 'int') return value
  if (option.type.kind === 'structured') return option.type.toJson(value)
  return option.type.format(value)
}

/** Every option with its value and where that came from, without secrets (OP-4, `--debug-options`). */
export function optionListing({ config, sources }: Configuration): string {
  const values = new Map<string, unknown>(Object.entries(config))
  const lines = optionEntries
    .filter(([, option]) => option.instruction !== true)
    .map(([key, option]) => {
      const source = sources.get(key) ?? ''
      const shown = option.secret
        ? source === '' || source === 'default'
          ? ''
          : '********'
        : option.type.format(values.get(key))
      return `${optionLabel(option)}=${shown} (${source === '' ? 'unset' : source})`
    })
  return `${lines.join('\n')}\n`
}
