import { CommandError } from '../errors.ts'
import { contentOf, replaceFile } from '../replace-file.ts'

/** How an MCP client starts a server. */
export interface StdioEntry {
  readonly command: string
  readonly args: readonly string[]
}

/** Name of our server in the configurations of clients (OA-99). */
const SERVER = 'coder'

type JsonObject = Readonly<Record<string, unknown>>

/** A member that is an object; an empty one where there is none. @throws CommandError where it is something else. */
function objectIn(parent: JsonObject, name: string, file: string): JsonObject {
  const value = Object.hasOwn(parent, name) ? parent[name] : {}
  if (!isObject(value)) throw new CommandError(`${file} has a ${JSON.stringify(name)} that is no object`)
  return value
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A configuration with our server among its own. */
export function withServer(config: JsonObject, entry: StdioEntry, file: string): JsonObject {
  const servers = objectIn(config, 'mcpServers', file)
  const before = objectIn(servers, SERVER, file)
  return { ...config, mcpServers: { ...servers, [SERVER]: { ...before, ...entry } } }
}

/** A configuration of Claude Code with our server in one project, and the key it is to use, if any. */
export function withProject(
  config: JsonObject,
  project: { readonly directory: string; readonly entry: StdioEntry; readonly apiKey: string | undefined },
  file: string,
): JsonObject {
  const { directory, entry, apiKey } = project
  const projects = objectIn(config, 'projects', file)
  return {
    ...config,
    // With a key there is nothing left to set up at the first start.
    ...(apiKey === undefined ? {} : { primaryApiKey: apiKey, hasCompletedOnboarding: true }),
    projects: { ...projects, [directory]: withServer(objectIn(projects, directory, file), entry, file) },
  }
}

/**
 * Changes a configuration in JSON, which need not be there yet. Returns whether it was another one.
 *
 * @throws CommandError for a file that holds something else, which is left alone.
 */
export async function changeJson(file: string, change: (config: JsonObject) => JsonObject): Promise<boolean> {
  const text = await contentOf(file)
  const before = parsed(text, file)
  const after = change(before)
  if (text !== '' && JSON.stringify(after) === JSON.stringify(before)) return false
  await replaceFile(file, `${JSON.stringify(after, null, 2)}\n`)
  return true
}

function parsed(text: string, file: string): JsonObject {
  let value: unknown
  try {
    value = text.trim() === '' ? {} : JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw new CommandError(
      `${file} is no JSON, and was left as it is: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (!isObject(value)) throw new CommandError(`${file} holds no JSON object, and was left as it is`)
  return value
}

const GUARDS = ['coder-prompt', 'system-prompt'] as const

/** Texts for the head of a memory file, by the names of their guards; an empty one takes its block away. */
export type MemoryBlocks = Readonly<Record<(typeof GUARDS)[number], string>>

/**
 * A memory file with these blocks at its head instead of those of an earlier run; the rest stays (OA-99).
 *
 * @throws CommandError for a text that would end its block itself.
 */
export function withBlocks(memory: string, blocks: MemoryBlocks): string {
  const made = GUARDS.flatMap((guard) => {
    const text = blocks[guard].trim()
    if (text.includes(`</${guard}>`))
      throw new CommandError(`the text of <${guard}> must not contain </${guard}>`)
    return text === '' ? [] : [`<${guard}>\n${text}\n</${guard}>\n`]
  }).join('')
  const rest = withoutBlocks(memory)
  return made === '' || rest === '' ? made + rest : `${made}\n${rest}`
}

function withoutBlocks(memory: string): string {
  const head = new RegExp(`^\\s*<(${GUARDS.join('|')})>[\\s\\S]*?</\\1>[^\\S\\n]*\\n*`)
  for (let rest = memory; ; ) {
    const shorter = rest.replace(head, '')
    if (shorter === rest) return rest
    rest = shorter
  }
}
