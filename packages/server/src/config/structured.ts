import { parse as parseYaml } from 'yaml'

import type { Parsed, ValueType } from './value-type.ts'

/** A link of the support menu (OP-154). */
export interface SupportLink {
  readonly name: string
  readonly target: string
  readonly icon: string
  readonly location?: string
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isString = (value: unknown): value is string => typeof value === 'string'

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

/** A value written as YAML (or JSON, its subset) wherever it comes from. */
export function structured<T>(options: {
  /** Shape of the value as the problem line words it. */
  readonly shape: string
  readonly holds: (value: unknown) => value is T
  /** The value of an empty text. */
  readonly empty: T
  /** Public part of a value; everything when left out. */
  readonly toJson?: (value: T) => unknown
}): ValueType<T> {
  const accept = (node: unknown): Parsed<T> => {
    if (node === null || node === undefined || node === '') return { ok: true, value: options.empty }
    return options.holds(node)
      ? { ok: true, value: node }
      : { ok: false, problem: `must be ${options.shape}` }
  }
  const toJson = options.toJson ?? ((value: T) => value)
  return {
    kind: 'structured',
    parse: (text) => {
      try {
        return accept(parseYaml(text, { logLevel: 'error' }))
      } catch {
        return { ok: false, problem: `must be ${options.shape}` }
      }
    },
    parseYaml: accept,
    toYaml: (value) => value,
    format: (value) => JSON.stringify(toJson(value)),
    toJson,
    holds: options.holds,
  }
}

/** Texts by text, such as `{"access_type": "offline"}`. */
export const textMap = structured<Readonly<Record<string, string>>>({
  shape: 'a map of texts such as {"name": "value"}',
  holds: (value): value is Record<string, string> => isRecord(value) && Object.values(value).every(isString),
  empty: {},
})

/** Lists of texts by text, such as `{"admins": ["owner"]}`. */
export const listMap = structured<Readonly<Record<string, readonly string[]>>>({
  shape: 'a map of lists such as {"name": ["a", "b"]}',
  holds: (value): value is Record<string, readonly string[]> =>
    isRecord(value) && Object.values(value).every((list) => Array.isArray(list) && list.every(isString)),
  empty: {},
})

/** Lists of UUIDs by text. */
export const idListMap = structured<Readonly<Record<string, readonly string[]>>>({
  shape: 'a map of lists of UUIDs such as {"name": ["5f0c6f4e-1c2b-4f0e-9d2a-0b1c2d3e4f50"]}',
  holds: (value): value is Record<string, readonly string[]> =>
    listMap.holds(value) && Object.values(value).flat().every(isUuid),
  empty: {},
})

/** Links of the support menu; undefined leaves the built-in ones. */
export const supportLinks = structured<readonly SupportLink[] | undefined>({
  shape: 'a list of {name, target, icon}',
  holds: (value): value is readonly SupportLink[] | undefined =>
    value === undefined || (Array.isArray(value) && value.every(isSupportLink)),
  empty: undefined,
  toJson: (links) => links ?? [],
})

function isSupportLink(value: unknown): value is SupportLink {
  return (
    isRecord(value) &&
    isString(value.name) &&
    isString(value.target) &&
    isString(value.icon) &&
    (value.location === undefined || value.location === 'navbar' || value.location === 'dropdown')
  )
}
