/** How a server of the workspace is reached. */
export type ServerConfig =
  | {
      readonly kind: 'program'
      readonly name: string
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'http'
      readonly name: string
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
    }

const MAX_SERVERS = 16
/** Names become the first part of the names of tools. */
const NAME = /^[A-Za-z0-9_-]{1,48}$/

/**
 * Reads a `.mcp.json`: `mcpServers` by name, each with a command or with a URL. `${NAME}` stands for a variable of the
 * environment. Servers that cannot be read are left out.
 *
 * @throws SyntaxError when it is no JSON.
 */
export function readConfig(text: string, env: Readonly<Record<string, string>>): readonly ServerConfig[] {
  const servers = recordOf(recordOf(JSON.parse(text)).mcpServers)
  const expand = (value: string): string =>
    value.replace(
      /\$\{(\w+)(?::-([^}]*))?\}/g,
      (_all, name: string, otherwise?: string) => env[name] ?? otherwise ?? '',
    )
  return Object.entries(servers)
    .filter(([name]) => NAME.test(name) && !name.includes('__'))
    .slice(0, MAX_SERVERS)
    .flatMap(([name, value]): ServerConfig[] => {
      const { command, args, env: own, url, headers } = recordOf(value)
      if (typeof command === 'string' && command !== '')
        return [
          {
            kind: 'program',
            name,
            command: expand(command),
            args: (Array.isArray(args) ? args : []).map((arg) => expand(String(arg))),
            env: texts(own, expand),
          },
        ]
      if (typeof url !== 'string' || !/^https?:\/\//.test(expand(url))) return []
      return [{ kind: 'http', name, url: expand(url), headers: texts(headers, expand) }]
    })
}

function texts(value: unknown, expand: (text: string) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(recordOf(value)).map(([name, entry]) => [name, expand(String(entry))]),
  )
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
