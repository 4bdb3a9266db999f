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

/** The path parameters as texts, checked. @throws ApiError 400 for a malformed UUID. */
export function pathParameters(params: unknown): Record<string, string> {
  if (typeof params !== 'object' || params === null) return {}
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(params)) {
    const text = String(value)
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
