import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ApiError } from '../../errors/index.ts'
import type { Entry } from './entry.ts'
import { parseEnv } from './env-format.ts'
import { parseJson } from './json-format.ts'
import { parseYaml } from './yaml-format.ts'

const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/)
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => value.isWellFormed())

/** The validation of the 400 that a text is refused with. */
function refusal(parse: (content: string) => Entry[], content: string): string {
  try {
    parse(content)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    expect([error.status, error.validations.map(({ field }) => field)]).toEqual([400, ['content']])
    return error.validations[0]?.detail ?? ''
  }
  throw new Error(`must be refused: ${JSON.stringify(content.slice(0, 80))}`)
}

describe('ID-199: env files', () => {
  const one = (line: string): string | undefined => {
    const [entry, ...rest] = parseEnv(line)
    expect(rest).toEqual([])
    expect(entry?.key).toBe('KEY')
    return entry?.value
  }

  it.each([
    ['KEY=value', 'value'],
    ['export KEY=value', 'value'],
    ['export \t KEY=value', 'value'],
    ['  KEY = two words  ', 'two words'],
    ['KEY=', ''],
    ['KEY=a=b==', 'a=b=='],
    ['KEY=a # no comment', 'a # no comment'],
    ['KEY=$HOME$(id)`id`', '$HOME$(id)`id`'],
    ["KEY='$HOME \\n \"#'", '$HOME \\n "#'],
    ["KEY=''", ''],
    ['KEY="a\\n\\t\\r\\\\\\"b"', 'a\n\t\r\\"b'],
    ['KEY="\\\\n"', '\\n'],
    ['KEY="it\'s $HOME"', "it's $HOME"],
    ['KEY=say "hi"', 'say "hi"'],
    ['KEY=back\\nslash', 'back\\nslash'],
    ['KEY=\u00a0', '\u00a0'],
  ])('ID-199: %s', (line, value) => {
    expect(one(line)).toBe(value)
  })

  it('ID-199: comments and empty lines are nothing, whatever the line ends', () => {
    expect(parseEnv('# A=1\r\n\r\n  # B=2\n\t\nC=3\r\n#D=4')).toEqual([{ key: 'C', value: '3' }])
    expect(parseEnv('')).toEqual([])
  })

  it.each([
    'key',
    '=value',
    'export',
    'export =x',
    'KEY="open',
    "KEY='open",
    'KEY="a" b',
    "KEY='a' # b",
    "KEY='it's'",
    'KEY="a"b"',
    'KEY="\\x41"',
    'KEY="\\"',
  ])('ID-199: %s is refused with its line, which is not repeated', (line) => {
    const detail = refusal(parseEnv, `A=1\n\n${line}\nB=2`)
    expect(detail).toMatch(/^line 3: /)
    expect(detail).not.toContain(line)
  })

  it('ID-199: a value does not go on in the next line', () => {
    refusal(parseEnv, 'KEY="a\nb"')
  })

  const quoted = (value: string): string =>
    `"${value.replace(/[\n\t\r\\"]/g, (c) => ({ '\n': '\\n', '\t': '\\t', '\r': '\\r' })[c] ?? `\\${c}`)}"`
  const singly = (value: string): string | undefined => (/['\n]/.test(value) ? undefined : `'${value}'`)
  const bare = (value: string): string | undefined =>
    /^['"]|^[ \t\r]|[ \t\r]$|\n/.test(value) ? undefined : value

  it('ID-199: what is written in any of the ways is read back', () => {
    const line = fc.record({
      key,
      value: text,
      style: fc.constantFrom(quoted, singly, bare),
      lead: fc.constantFrom('', 'export ', '  ', '\texport  '),
      trail: fc.constantFrom('', ' ', '\r', '\t\r'),
      before: fc.constantFrom('', '\n', '# KEY="\n', '  #\n'),
    })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const content = lines
          .map(({ key: name, value, style, lead, trail, before }) => {
            return `${before}${lead}${name}=${style(value) ?? quoted(value)}${trail}\n`
          })
          .join('')
        expect(parseEnv(content)).toEqual(lines.map(({ key: name, value }) => ({ key: name, value })))
      }),
      { numRuns: 500 },
    )
  })

  it('ID-199: any text is read or refused, and keys and values lie in it', () => {
    const scrap = fc.constantFrom('A', '=', "'", '"', '\\', '#', ' ', '\n', '\r', 'export ', 'n', '$')
    fc.assert(
      fc.property(fc.array(scrap, { maxLength: 30 }), (scraps) => {
        const content = scraps.join('')
        try {
          for (const { key: name, value } of parseEnv(content)) {
            expect(name).not.toBe('')
            expect(content).toContain(name)
            expect(value?.length ?? 0).toBeLessThanOrEqual(content.length)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('ID-199: a file of nothing but one character takes no time', () => {
    for (const character of ['"', '\\', '=', ' ', "'", '#', '\n', '\t'])
      for (const start of ['', 'A="', "A='", 'A= ']) {
        const began = performance.now()
        try {
          parseEnv(`${start}${character.repeat(1024 * 1024)}x`)
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError)
        }
        expect(performance.now() - began, JSON.stringify(start + character)).toBeLessThan(1500)
      }
  })
})

describe.each([
  ['json', parseJson],
  ['yaml', parseYaml],
] as const)('ID-199: %s files', (_format, parse) => {
  it('ID-199: a flat map of texts is read in its order, with keys that are there twice', () => {
    const content = '{"b": "1", "a": "\\u00e4\\n\\"{}[],:", "10": "x", "2": "y", "b": "2", "__proto__": "z"}'
    expect(parse(content)).toEqual([
      { key: 'b', value: '1' },
      { key: 'a', value: 'ä\n"{}[],:' },
      { key: '10', value: 'x' },
      { key: '2', value: 'y' },
      { key: 'b', value: '2' },
      { key: '__proto__', value: 'z' },
    ])
    expect(parse('{}')).toEqual([])
  })

  it('ID-199: what is no text has no value', () => {
    const content =
      '{"a": 1, "b": true, "c": null, "d": ["x", {"y": "z"}], "e": {"f": "g"}, "h": "i", "a": "b"}'
    expect(parse(content)).toEqual([
      ...['a', 'b', 'c', 'd', 'e'].map((name) => ({ key: name, value: undefined })),
      { key: 'h', value: 'i' },
      { key: 'a', value: 'b' },
    ])
  })

  it('ID-199: other files are refused', () => {
    for (const content of ['[]', '"a"', '1', 'null', '["a"]', '{"a": "b"', '{"a": "b"} {"c": "d"}', '}'])
      refusal(parse, content)
  })

  it('ID-199: whatever JSON can write is read back', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 6 }),
        (pairs) => {
          const content = `{${pairs.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(',')}}`
          expect(parse(content)).toEqual(pairs.map(([name, value]) => ({ key: name, value })))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('ID-199: files that are hard to read are refused soon', () => {
    const size = 1024 * 1024
    for (const part of [
      '[',
      '{',
      '{"a":',
      '- ',
      '? ',
      'a: ',
      '!x ',
      '&a ',
      '*a ',
      '"',
      '\n',
      '#\n',
      'a: b\n',
      '---\n',
      ':',
    ]) {
      const began = performance.now()
      refusal(parse, part.repeat(size / part.length))
      expect(performance.now() - began, part).toBeLessThan(1500)
    }
  })
})

describe('ID-199: YAML files', () => {
  it('ID-199: block maps, blocks of lines and words that only older versions take for others are texts', () => {
    const content = [
      '# comment',
      'A: plain text # comment',
      'ON: yes',
      'KEY: |',
      '  -----BEGIN-----',
      '  abc',
      "Q: 'it''s'",
      'D: "a\\tb"',
      'day: 2026-03-28',
    ].join('\n')
    expect(parseYaml(content)).toEqual([
      { key: 'A', value: 'plain text' },
      { key: 'ON', value: 'yes' },
      { key: 'KEY', value: '-----BEGIN-----\nabc\n' },
      { key: 'Q', value: "it's" },
      { key: 'D', value: 'a\tb' },
      { key: 'day', value: '2026-03-28' },
    ])
  })

  it('ID-199: nothing is resolved: neither aliases nor merges', () => {
    expect(parseYaml('A: &x text\nB: *x\n<<: *x')).toEqual([
      { key: 'A', value: 'text' },
      { key: 'B', value: undefined },
      { key: '<<', value: undefined },
    ])
  })

  it('ID-199: keys are texts', () => {
    for (const content of ['1: a', 'true: a', 'null: a', '[a]: b', '{a: b}: c']) refusal(parseYaml, content)
  })
})
