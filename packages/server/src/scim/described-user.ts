import type { SCIMPatchRequest, SCIMUserRequest } from '@slipway/contract'
import { ScimError } from '../errors/index.ts'
import { realName } from '../sign-in/index.ts'

/** What a provider says of an account; what it does not speak of is undefined, and what it takes away is empty. */
export interface DescribedUser {
  readonly userName?: string
  readonly externalId?: string
  readonly formatted?: string
  readonly givenName?: string
  readonly familyName?: string
  readonly email?: string
  readonly active?: boolean
}

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:user:'
const ADDRESS = /^[^\s@]+@[^\s@]+$/
const MAX_ADDRESS = 254

/** What a whole user says (RFC 7643, section 4.1). @throws ScimError 400. */
export function describedBy(user: SCIMUserRequest): DescribedUser {
  const said: Record<string, unknown> = {
    userName: user.userName,
    externalId: user.externalId,
    formatted: user.name?.formatted ?? user.displayName,
    givenName: user.name?.givenName,
    familyName: user.name?.familyName,
    emails: user.emails,
    active: user.active,
  }
  return read(said)
}

/**
 * What a change says: operations one after the other (RFC 7644, section 3.5.2), or a user with what changes. Attributes that
 * accounts do not have are passed over, as providers send them to everybody.
 *
 * @throws ScimError 400.
 */
export function describedByPatch(patch: SCIMPatchRequest): DescribedUser {
  if (patch.Operations === undefined) return describedBy(patch)
  const said: Record<string, unknown> = {}
  for (const { op, path, value } of patch.Operations) {
    const kind = op.toLowerCase()
    if (kind !== 'add' && kind !== 'replace' && kind !== 'remove')
      throw new ScimError(
        400,
        'invalidSyntax',
        `There is no operation ${JSON.stringify(op)}: use add, replace or remove.`,
      )
    if (kind !== 'remove') note(said, path ?? '', value)
    else if (path === undefined || path === '')
      throw new ScimError(400, 'invalidPath', 'An operation that removes something needs a path.')
    else note(said, path, null)
  }
  return read(said)
}

/** Notes what is said of the attribute of a path, or of several in an object. */
function note(said: Record<string, unknown>, path: string, value: unknown): void {
  const name = attributeOf(path)
  switch (name) {
    case '':
    case 'name':
      if (value === null || typeof value !== 'object' || Array.isArray(value))
        throw new ScimError(
          400,
          'invalidValue',
          'A value without the path of one attribute must be an object of attributes.',
        )
      for (const [key, one] of Object.entries(value)) note(said, name === '' ? key : `${name}.${key}`, one)
      return
    case 'username':
      said.userName = value
      return
    case 'externalid':
      said.externalId = value
      return
    case 'displayname':
    case 'name.formatted':
      said.formatted = value
      return
    case 'name.givenname':
      said.givenName = value
      return
    case 'name.familyname':
      said.familyName = value
      return
    case 'active':
      said.active = value
      return
    case 'emails':
      said.emails = Array.isArray(value) ? value : [value]
      return
    case 'emails.value':
      said.emails = [{ value }]
      return
    default:
  }
}

/** The attribute of a path, in lower case, without its schema and without which of several values is meant. */
function attributeOf(path: string): string {
  const lower = path.toLowerCase()
  const name = lower.startsWith(SCHEMA) ? lower.slice(SCHEMA.length) : lower
  const open = name.indexOf('[')
  if (open < 0) return name
  const close = name.lastIndexOf(']')
  if (close < open)
    throw new ScimError(400, 'invalidPath', `The path ${JSON.stringify(path)} cannot be read.`)
  return name.slice(0, open) + name.slice(close + 1)
}

function read(said: Readonly<Record<string, unknown>>): DescribedUser {
  const given = textOf(said, 'givenName')
  const family = textOf(said, 'familyName')
  const formatted = textOf(said, 'formatted')
  const email = emailOf(said.emails)
  const userName = textOf(said, 'userName')
  if (userName === '') throw new ScimError(400, 'invalidValue', 'userName must not be empty.')
  const externalId = textOf(said, 'externalId')
  const active = flagOf(said.active)
  return {
    ...(userName === undefined ? {} : { userName }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(formatted === undefined ? {} : { formatted: realName(formatted) }),
    ...(given === undefined ? {} : { givenName: given }),
    ...(family === undefined ? {} : { familyName: family }),
    ...(email === undefined ? {} : { email }),
    ...(active === undefined ? {} : { active }),
  }
}

function textOf(said: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = said[name]
  if (value === undefined) return undefined
  if (value === null) return ''
  if (typeof value !== 'string' || value.length > 1024)
    throw new ScimError(400, 'invalidValue', `${name} must be a text of at most 1024 characters.`)
  return value.trim()
}

/** Entra ID writes booleans as words. */
function flagOf(value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  throw new ScimError(400, 'invalidValue', 'active must be true or false.')
}

/** The first address of several, or the one that is called primary; an account has one. */
function emailOf(emails: unknown): string | undefined {
  if (!Array.isArray(emails) || emails.length === 0) return undefined
  const read = emails.map((one: unknown) => {
    if (typeof one === 'string') return { value: one, primary: false }
    const { value, primary } = Object(one) as { value?: unknown; primary?: unknown }
    if (typeof value !== 'string')
      throw new ScimError(400, 'invalidValue', 'Each of emails must have a value, which is an address.')
    return { value: value.trim(), primary: flagOf(primary) === true }
  })
  const chosen = (read.find(({ primary }) => primary) ?? read[0])?.value ?? ''
  if (!isAddress(chosen))
    throw new ScimError(400, 'invalidValue', `${JSON.stringify(chosen.slice(0, 100))} is no e-mail address.`)
  return chosen
}

/** Whether a text can be somebody's address. */
export function isAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS && ADDRESS.test(text)
}
