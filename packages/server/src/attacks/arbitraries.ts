// What the generated attacks are made of: values that schemas allow, and values that nobody should send.
import fc from 'fast-check'

/** The part of JSON Schema that the contract uses. */
export interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** Texts that break what takes them for harmless. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  {
    arbitrary: fc.constantFrom('', ' ', '.', '..', '%', '*', '-', ':', '"', "'", '\\', '\0', '\n'),
    weight: 3,
  },
  {
    arbitrary: fc.constantFrom(
      'me',
      '__proto__',
      'constructor',
      'toString',
      'null',
      'undefined',
      'true',
      '-1',
      '0',
      '1e999',
      '9223372036854775808',
      '0x10',
      "' or '1'='1",
      "'; drop table users; --",
      '$1',
      '%00',
      '%2e%2e%2f',
      '../../../../etc/passwd',
      '/etc/passwd',
      'file:///etc/passwd',
      'http://127.0.0.1:9/',
      '//127.0.0.1:9',
      'javascript:alert(1)',
      '<script>alert(1)</script>',
      '{{7*7}}',
      '#{7*7}',
      '\r\nSet-Cookie: a=b',
      'a\u202eb',
      '\u0000',
      '\u{1f600}',
      '\ud800',
      'İ',
      'ß',
      '(a+)+$',
      '(?<=a)b',
      '[',
      'CRON_TZ=UTC 60 99 * * *',
      'CRON_TZ=Nowhere/Land 0 0 * * *',
      '2026-02-30T25:61:61Z',
      '0000-00-00T00:00:00Z',
      '9999-12-31T23:59:60Z',
      '-271821-04-20T00:00:00Z',
      '+275760-09-13T00:00:00.001Z',
      '00000000-0000-0000-0000-000000000000',
      'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    ),
    weight: 8,
  },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 12 }), weight: 3 },
  { arbitrary: fc.constantFrom('a'.repeat(5_000), '\u{1f600}'.repeat(3_000), '"'.repeat(4_000)), weight: 1 },
)

const hostileNumber = fc.constantFrom<number>(
  -1,
  0,
  -0,
  1.5,
  1e-7,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53) + 1,
  2 ** 63,
  1e21,
  1.7e308,
)

const deep = (depth: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

/** JSON of the wrong kind, too much of it, or with names that mean something to the language. */
export const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  hostileNumber,
  fc.constantFrom<unknown>(
    null,
    true,
    [],
    {},
    [null],
    [[]],
    [{}],
    { length: -1 },
    JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{}}}'),
    deep(40),
    deep(200),
    Array.from({ length: 2_000 }, (_, i) => i),
    Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i])),
  ),
)

const numbered = (form: (n: number) => string): fc.Arbitrary<string> => fc.nat(999_999).map(form)

/** What texts of these names must look like, beyond what their schema says. */
const BY_NAME: Readonly<Record<string, fc.Arbitrary<string>>> = {
  username: numbered((n) => `user-${n}`),
  name: numbered((n) => `name-${n}`),
  token_name: numbered((n) => `token ${n}`),
  workspace_name: numbered((n) => `dev-${n}`),
  password: fc.constant('Some-Password-2026!'),
  schedule: fc.constant('CRON_TZ=UTC 0 3 * * *'),
  autostart_schedule: fc.constant('CRON_TZ=UTC 30 9 * * 1-5'),
  env_name: numbered((n) => `FUZZ_${n}`),
  file_path: numbered((n) => `~/fuzz/${n}`),
  icon: fc.constant('/emojis/1f4bb.png'),
  avatar_url: fc.constant('/emojis/1f4bb.png'),
  regex_filter: fc.constantFrom('^a+$', '(a+)+$'),
}

/** Values that a schema allows; `ids` are taken for the UUIDs in it now and then. */
export function valid(schema: Schema, ids: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => valid(one, ids)))
  switch (schema.type) {
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'integer':
      return within(schema, fc.maxSafeInteger())
    case 'number':
      return within(schema, fc.double({ noNaN: true, noDefaultInfinity: true }))
    case 'string':
      return validText(schema, ids)
    case 'array':
      return fc.array(valid(schema.items ?? {}, ids), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, Math.max(3, schema.minItems ?? 0)),
      })
    case 'object':
      return validObject(schema, ids)
    default:
      return hostileJson
  }
}

function within({ minimum, maximum }: Schema, whole: fc.Arbitrary<number>): fc.Arbitrary<number> {
  const fits = (value: number): boolean => value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity)
  const edges = [0, 1, 2, 10, minimum, maximum, (minimum ?? 0) + 1].filter(
    (value) => value !== undefined && fits(value),
  )
  const some = fc.constantFrom(...edges.filter((value) => value !== undefined))
  return fc.oneof(
    some,
    some,
    whole.map((value) => (fits(value) ? value : (edges[0] ?? 0))),
  )
}

function validText(schema: Schema, ids: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 1_000_000 } = schema
  if (format === 'uuid') return fc.oneof({ arbitrary: ids, weight: 4 }, fc.uuid())
  if (format === 'email') return fc.nat(99_999).map((n) => `fuzz${n}@example.com`)
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map((at) => at.toISOString())
  if (pattern !== undefined)
    return fc
      .stringMatching(new RegExp(pattern), { maxLength: Math.min(maxLength, 24) })
      .filter((text) => text.length >= minLength && text.length <= maxLength)
  return fc
    .oneof(
      {
        arbitrary: fc.constantFrom('fuzz', 'x1', 'Some-Password-2026!', 'owner', '1h', 'user', '1'),
        weight: 12,
      },
      { arbitrary: fc.oneof(fc.string({ maxLength: 20 }), ids), weight: 3 },
      { arbitrary: hostileText, weight: 2 },
    )
    .map((text) => text.slice(0, maxLength).padEnd(minLength, 'x'))
}

function validObject(schema: Schema, ids: fc.Arbitrary<string>): fc.Arbitrary<object> {
  const { properties = {}, patternProperties, required = [] } = schema
  const [of] = Object.values(patternProperties ?? {})
  if (of !== undefined)
    return fc.dictionary(fc.oneof(ids, fc.string({ maxLength: 9 })), valid(of, ids), { maxKeys: 3 })
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [
      name,
      property.type === 'string' && property.enum === undefined && Object.hasOwn(BY_NAME, name)
        ? fc.oneof({ arbitrary: BY_NAME[name] ?? hostileText, weight: 5 }, valid(property, ids))
        : valid(property, ids),
    ]),
  )
  return fc.record(fields, { requiredKeys: [...required] })
}

/** A body with one field, or all of it, replaced by what does not belong there. */
export function spoiled(schema: Schema, ids: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const names = Object.keys(schema.properties ?? {})
  const name = fc.oneof(
    fc.constantFrom('id', 'owner_id', 'roles', '__proto__', 'created_at'),
    fc.constantFrom(...names, 'x'),
  )
  return fc.oneof(
    { arbitrary: hostileJson, weight: 1 },
    {
      arbitrary: fc
        .tuple(valid(schema, ids), name, hostileJson)
        .map(([body, field, value]) =>
          typeof body === 'object' && body !== null && !Array.isArray(body)
            ? { ...body, ...JSON.parse(JSON.stringify({ [field]: value })) }
            : value,
        ),
      weight: 4,
    },
  )
}
