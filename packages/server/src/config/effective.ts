import { Document, isMap, isScalar } from 'yaml'

import { deploymentConfig } from './deployment-config.ts'
import { type AnyOption, optionLabel, yamlPath } from './option.ts'
import { type Configuration, optionEntries } from './options.ts'
import { describe } from './without-effect.ts'

const COMMENT_WIDTH = 100

/** The configuration as a commented YAML file that reads back as the same one (OP-4); it holds no secret. */
export function effectiveYaml({ config }: Configuration): string {
  const document = new Document({})
  const values = new Map<string, unknown>(Object.entries(config))
  for (const [key, option] of optionEntries) {
    const path = yamlPath(option)?.split('.')
    // What a deprecated option does is in the value of the option that replaces it.
    if (path === undefined || option.useInstead !== undefined) continue
    const value = values.get(key)
    document.setIn(path, document.createNode(nodeOf(option, value)))
    comment(document, path, `${describe(key, option)} (${option.type.kind})`)
  }
  return document.toString({ lineWidth: 0 })
}

/** What the type of the option reads back. */
function nodeOf({ type, default: text }: AnyOption, value: unknown): unknown {
  // An empty list would count as unset, and so would be the default again.
  if (Array.isArray(value) && value.length === 0 && text !== undefined) return ''
  return type.toYaml === undefined ? type.format(value) : (type.toYaml(value) ?? null)
}

function comment(document: Document, path: readonly string[], text: string): void {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isMap(parent)) return
  const pair = parent.items.find((item) => (isScalar(item.key) ? item.key.value : item.key) === path.at(-1))
  if (pair === undefined) return
  const key = document.createNode(path.at(-1))
  key.commentBefore = wrap(text)
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

/** Every option with its value and where that came from, without secrets (OP-4, OP-B5, `--debug-options`). */
export function optionListing(configuration: Configuration): string {
  const { config, sources } = configuration
  if (config.output === 'json')
    return `${JSON.stringify(deploymentConfig(configuration).options, undefined, 2)}\n`
  const values = new Map<string, unknown>(Object.entries(config))
  const lines = optionEntries
    .filter(([, option]) => option.instruction !== true)
    .map(([key, option]) => {
      const source = sources.get(key) ?? ''
      const shown = option.secret
        ? source === '' || source === 'default'
          ? ''
          : '********'
        : publicText(option, values.get(key))
      return `${optionLabel(option)}=${shown} (${source === '' ? 'unset' : source})`
    })
  return `${lines.join('\n')}\n`
}

/** The text of a value; the form for the wire hides passwords inside URLs. */
function publicText({ type }: AnyOption, value: unknown): string {
  const json = type.toJson(value)
  return typeof json === 'string' ? json : type.format(value)
}
