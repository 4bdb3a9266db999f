import { afterAll, describe, expect, test } from 'vitest'

import { TemplateSandbox } from './sandbox.ts'

const sandbox = new TemplateSandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

const INPUTS = { parameters: {}, variables: {} }
const CONTEXT = {
  workspace: {
    id: 'w',
    name: 'dev',
    transition: 'start',
    templateName: 't',
    templateVersion: 'v',
    accessUrl: 'http://127.0.0.1:3000',
    isPrebuild: false,
  },
  owner: { id: 'o', name: 'ada', fullName: '', email: '', groups: [], sshPublicKey: '' },
  task: null,
  externalAuth: {},
} as const

/** Evaluates an expression inside a template's workspace function. */
function inside(expression: string, more: Record<string, string> = {}): Promise<unknown> {
  const source = `import { defineTemplate } from '@slipway/template'
export default defineTemplate({ workspace: (inputs: any): any => ({ answer: ${expression} }) })`
  const files = new Map(Object.entries({ 'template.ts': source, ...more }))
  return sandbox.evaluate(files, { name: 'workspace', inputs: INPUTS, context: CONTEXT })
}

/** Evaluates a whole template.ts. */
function whole(source: string, more: Record<string, string> = {}): Promise<unknown> {
  const files = new Map(Object.entries({ 'template.ts': source, ...more }))
  return sandbox.evaluate(files, { name: 'declarations' })
}

describe('the template sandbox', () => {
  test('answers with what the template describes', async () => {
    expect(await inside('inputs.owner.name + "/" + inputs.workspace.name')).toEqual({ answer: 'ada/dev' })
  })

  test('loads the files of the archive, with types, and nothing else', async () => {
    const helper = 'export const double = (n: number): number => n * 2'
    const source = `import { defineTemplate } from '@slipway/template'
import { double } from './lib/helper.ts'
export default defineTemplate({ parameters: { n: { type: 'number', default: double(21) } }, workspace: () => ({}) as never })`
    expect(await whole(source, { 'lib/helper.ts': helper })).toMatchObject({
      parameters: [{ name: 'n', default: '42' }],
    })
  })

  test.each([
    'node:fs',
    'fs',
    'quickjs-emscripten',
    '/etc/passwd',
    '../outside.ts',
    './../../outside.ts',
    'https://example.com/x.js',
    '@slipway/server',
    './missing.ts',
  ])('cannot import %s', async (specifier) => {
    await expect(whole(`import '${specifier}'`)).rejects.toThrow(/may import|no file/)
    await expect(whole(`await import('${specifier}')`)).rejects.toThrow(/may import|no file/)
  })

  test.each([
    'typeof process',
    'typeof require',
    'typeof fetch',
    'typeof setTimeout',
    'typeof Date',
    'typeof Math.random',
    'typeof WeakRef',
    'typeof WebAssembly',
    'typeof Worker',
    'typeof console',
    'typeof performance',
    'typeof std',
    'typeof os',
    'typeof new Function("return this")().process',
    'typeof (inputs.constructor.constructor("return globalThis")()).process',
  ])('has no host object: %s', async (expression) => {
    expect(await inside(expression)).toEqual({ answer: 'undefined' })
  })

  test.each([
    'while (true) {}',
    'for (;;) { try { for (;;) {} } catch {} }',
    '/(a+)+$/.test("a".repeat(40) + "b")',
    '[1, 2, 3].sort(() => { for (;;) {} })',
    'const loop = () => Promise.resolve().then(loop); await loop()',
  ])('ends at the deadline: %s', async (source) => {
    await using strict = new TemplateSandbox({ deadlineMs: 100 })
    const files = new Map([['template.ts', `${source}\nexport default 1`]])
    await expect(strict.evaluate(files, { name: 'declarations' })).rejects.toThrow('within 100 ms')
    expect(await strict.evaluate(new Map([['template.ts', VALID]]), { name: 'declarations' })).toBeTypeOf(
      'object',
    )
  })

  test.each([
    'const all = []; for (;;) all.push(new Uint8Array(1 << 20))',
    'let text = "x"; for (;;) text += text',
    'const deep = () => deep(); deep()',
    'new Array(1e9).fill(0)',
    'JSON.parse("[".repeat(1e6))',
  ])('ends at the memory and stack limits: %s', async (source) => {
    await expect(whole(`${source}\nexport default 1`)).rejects.toThrow(
      /out of memory|stack overflow|invalid array|string too long|limits of the sandbox/,
    )
    expect(await whole(VALID)).toBeTypeOf('object')
  })

  test('bounds the answer', async () => {
    await expect(inside('"x".repeat(2 << 20)')).rejects.toThrow('larger than')
  })

  test('nothing of one evaluation is left for the next', async () => {
    await whole(`globalThis.leak = 1; Object.prototype.leak = 1\n${VALID}`)
    expect(await inside('typeof globalThis.leak + typeof ({}).leak')).toEqual({
      answer: 'undefinedundefined',
    })
  })

  test('the same inputs give the same answer', async () => {
    const expression = '[...new Map(Object.entries(inputs.owner)), Object.keys(globalThis), [3, 1, 2].sort()]'
    expect(await inside(expression)).toEqual(await inside(expression))
  })

  test('names file and line of an error', async () => {
    await expect(whole('const a = 1\nconst b: number = missing\nexport default b')).rejects.toThrow(
      /^template\.ts:2: .*missing/,
    )
    await expect(whole("import './lib/x.ts'", { 'lib/x.ts': "\n\nthrow new Error('boom')" })).rejects.toThrow(
      'lib/x.ts:3: boom',
    )
    await expect(whole('export const x = 1')).rejects.toThrow('export default defineTemplate')
    await expect(whole('enum A { B }')).rejects.toThrow(/template\.ts/)
    await expect(whole('throw 7')).rejects.toThrow('threw 7')
    await expect(whole('await new Promise(() => {})')).rejects.toThrow('never happens')
  })

  test('evaluations asked for at once all get their own answer', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => inside(String(n))))
    expect(answers).toEqual(Array.from({ length: 20 }, (_, answer) => ({ answer })))
  })
})

const VALID = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({ workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }) })`
