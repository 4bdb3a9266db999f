import { badRequest } from '../errors/index.ts'

/** Path parameters that can only be UUIDs (ID-148); others are names too. */
const UUIDS = new Set([
  'workspace',
  'workspacebuild',
  'workspaceagent',
  'template',
  'templateversion',
  'group',
  'job',
  'fileID',
])
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The path parameters as texts, checked. @throws ApiError 400 for a malformed UUID. */
export function pathParameters(params: unknown): Record<string, string> {
  if (typeof params !== 'object' || params === null) return {}
  const texts = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
  for (const [name, value] of Object.entries(texts))
    if (UUIDS.has(name) && !UUID.test(value))
      throw badRequest(`Invalid UUID ${JSON.stringify(value.slice(0, 64))}.`, {
        validations: [{ field: name, detail: 'must be a UUID' }],
      })
  return texts
}
