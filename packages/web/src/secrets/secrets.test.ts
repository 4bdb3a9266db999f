import { describe, expect, it } from 'vitest'

import { formatOfName, previewOf } from './read-secrets-file.ts'
import { type SecretDraft, secretFaults } from './secret-rules.ts'

const draft = (more: Partial<SecretDraft>): SecretDraft => ({
  name: 'npm',
  value: 'x',
  envName: 'NPM_TOKEN',
  filePath: '',
  enabled: true,
  ...more,
})

describe('ID-195, ID-196: the rules show before the server is asked', () => {
  it.each([
    [draft({}), []],
    [draft({ envName: '', filePath: '~/.npmrc' }), []],
    [draft({ value: undefined }), []],
    [draft({ enabled: false, envName: '' }), []],
    [draft({ name: ' ' }), ['name']],
    [draft({ name: 'a/b' }), ['name']],
    [draft({ name: '..' }), ['name']],
    [draft({ value: '' }), ['value']],
    [draft({ value: 'ä'.repeat(12 * 1024 + 1) }), ['value']],
    [draft({ value: 'a\0b' }), ['value']],
    [draft({ envName: '1A' }), ['env_name']],
    [draft({ envName: 'path' }), ['env_name']],
    [draft({ envName: 'git_token' }), ['env_name']],
    [draft({ filePath: 'relative' }), ['file_path']],
    [draft({ envName: '' }), ['enabled']],
  ])('%o', (secret, fields) => {
    expect(Object.keys(secretFaults(secret))).toEqual(fields)
  })
})

describe('ID-199: a file shows what it would make', () => {
  const preview = (content: string, format: 'env' | 'json' | 'yaml' = 'env', taken: string[] = []) =>
    previewOf(format, content, new Set(taken))

  it.each([
    ['.env', 'env'],
    ['prod.env', 'env'],
    ['.env.local', 'env'],
    ['Secrets.JSON', 'json'],
    ['a.yml', 'yaml'],
    ['a.yaml', 'yaml'],
    ['environment', undefined],
  ])('%s is %s', (name, format) => {
    expect(formatOfName(name)).toBe(format)
  })

  it('reads the three formats', async () => {
    const rows = [
      { name: 'NPM_TOKEN', value: 'a b', envName: 'NPM_TOKEN', fault: undefined },
      { name: 'PATH', value: 'x', envName: '', fault: undefined },
    ]
    expect((await preview('# c\nexport NPM_TOKEN="a b"\nPATH=x\n')).rows).toEqual(rows)
    expect((await preview('{"NPM_TOKEN": "a b", "PATH": "x"}', 'json')).rows).toEqual(rows)
    expect((await preview('NPM_TOKEN: a b\nPATH: "x"\n', 'yaml')).rows).toEqual(rows)
  })

  it('marks the rows that stand in the way', async () => {
    const { rows } = await preview('A=1\nA=2\nB=\nC=3\nD=4', 'env', ['C'])
    expect(rows.map(({ fault }) => fault)).toEqual([
      undefined,
      expect.stringContaining('twice'),
      expect.stringContaining('value'),
      expect.stringContaining('have a secret'),
      undefined,
    ])
    const json = await preview('{"a": 1}', 'json')
    expect(json.rows[0]?.fault).toContain('not text')
  })

  it('says what is wrong with a file, and repeats nothing of it', async () => {
    const { fault } = await preview('A=1\nsecret-without-a-name')
    expect(fault).toContain('Line 2')
    expect(fault).not.toContain('secret-without')
    for (const [content, format] of [
      ['', 'env'],
      ['[]', 'json'],
      ['{', 'json'],
      ['- a', 'yaml'],
      ['a: [', 'yaml'],
    ] as const)
      expect((await preview(content, format)).fault, content).toBeDefined()
    expect((await preview('a'.repeat(1024 * 1024 + 1))).fault).toContain('1 MiB')
    const many = Array.from({ length: 51 }, (_, n) => `K${n}=1`).join('\n')
    expect((await preview(many)).fault).toContain('50')
  })
})
