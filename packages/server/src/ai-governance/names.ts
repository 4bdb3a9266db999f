import { badRequest, type Validation } from '../errors/index.ts'

/** Names that are given for other names in one place. */
export const MAX_NAMES = 256
const MAX_NAME = 256

/** What is wrong with names that stand for models. */
export function faultsOfAliases(aliases: Readonly<Record<string, string>> = {}): Validation[] {
  const names = Object.keys(aliases)
  const faults = faultsOfNames('aliases', Object.values(aliases))
  if (names.length > MAX_NAMES) faults.push({ field: 'aliases', detail: `must be at most ${MAX_NAMES}` })
  if (names.some((name) => name === '' || name.length > MAX_NAME || name !== name.trim()))
    faults.push({
      field: 'aliases',
      detail: `names must have 1 to ${MAX_NAME} characters, and no spaces around them`,
    })
  return faults
}

/** What is wrong with names and patterns of models: with a space around it one would allow, or deny, nothing. */
export function faultsOfNames(field: string, names: readonly string[] | null | undefined): Validation[] {
  return (names ?? []).flatMap((name, index) =>
    name === name.trim() ? [] : [{ field: `${field}.${index}`, detail: 'must have no spaces around it' }],
  )
}

/** @throws ApiError 400 where a token is to be kept to models or providers that are none. */
export function requireNames({
  models,
  providers,
}: {
  readonly models?: readonly string[] | null | undefined
  readonly providers?: readonly string[] | null | undefined
}): void {
  const faults = [...faultsOfNames('models', models), ...faultsOfNames('providers', providers)]
  if (faults.length > 0) throw badRequest('Invalid limits of a token.', { validations: faults })
}
