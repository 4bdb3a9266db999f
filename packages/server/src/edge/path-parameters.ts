import { badRequest } from '../errors/index.ts'

/** Path parameters that can only be UUIDs (ID-148); others are names too. */
const UUIDS = new Set([
  'chat',
  'workspace',
  'workspacebuild',
  'workspaceagent',
  'template',
  'templateversion',
  'group',
  'job',
  'jobID',
  'fileID',
  'mcpserverconfig',
  'mcpServer',
])
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Makes what takes the parameters of this pattern, such as `/users/{user}`, as texts, checked. */
export function pathParameters(pattern: string): (params: unknown) => Readonly<Record<string, string>> {
  const names = [...pattern.matchAll(/\{([^}]+)\}|(\*)/g)].map(([, name, rest]) => name ?? rest ?? '')
  return names.length === 0 ? () => NONE : (params) => textsOf(names, params)
}

const NONE: Readonly<Record<string, string>> = Object.freeze({})

/** @throws ApiError 400 for a malformed UUID. */
function textsOf(names: readonly string[], params: unknown): Record<string, string> {
  const texts: Record<string, string> = {}
  if (typeof params !== 'object' || params === null) return texts
  for (const name of names) {
    const text = String(Reflect.get(params, name))
    if (text.includes('\0'))
      throw badRequest('The address must not hold NUL characters.', {
        validations: [{ field: name, detail: 'must not hold NUL characters' }],
      })
    if (UUIDS.has(name) && !UUID.test(text))
      throw badRequest(
        text === '' ? 'Missing UUID in URL.' : `Invalid UUID ${JSON.stringify(text.slice(0, 64))}.`,
        {
          validations: [{ field: name, detail: 'must be a UUID' }],
        },
      )
    texts[name] = text
  }
  return texts
}
