import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { RichParameter } from '../engine/description.ts'
import { type ParameterSources, resolveParameters } from './resolve.ts'
import { valueFault } from './validate-value.ts'

const base: RichParameter = {
  name: 'cpu',
  displayName: '',
  description: '',
  type: 'string',
  formType: 'input',
  mutable: true,
  required: false,
  ephemeral: false,
  defaultValue: 'd',
  icon: '',
  order: 0,
  options: [],
  validation: null,
}
const none: ParameterSources = { preset: [], given: [], previous: [], firstBuild: true }
const cpu = (value: string) => [{ name: 'cpu', value }]

describe('resolution', () => {
  it('WS-121: preset beats request, request beats previous, previous beats default', () => {
    const value = (sources: Partial<ParameterSources>) =>
      resolveParameters([base], { ...none, firstBuild: false, ...sources }).values
    expect(value({})).toEqual(cpu('d'))
    expect(value({ previous: cpu('p') })).toEqual(cpu('p'))
    expect(value({ previous: cpu('p'), given: cpu('g') })).toEqual(cpu('g'))
    expect(value({ previous: cpu('p'), given: cpu('g'), preset: cpu('s') })).toEqual(cpu('s'))
  })

  it('WS-121: an ephemeral value of the build before is forgotten', () => {
    const sources = { ...none, firstBuild: false, previous: cpu('p') }
    expect(resolveParameters([{ ...base, ephemeral: true }], sources).values).toEqual(cpu('d'))
  })

  it('WS-121: values for unknown names are dropped, and a required one must be there', () => {
    const resolved = resolveParameters([{ ...base, required: true, defaultValue: '' }], {
      ...none,
      given: [{ name: 'other', value: 'x' }],
    })
    expect(resolved).toEqual({ values: [], faults: [{ name: 'cpu', detail: 'a value is required' }] })
  })

  it('WS-122: an immutable value may be set once and never changed', () => {
    const fixed = { ...base, mutable: false }
    expect(resolveParameters([fixed], { ...none, given: cpu('a') }).faults).toEqual([])
    const later = { ...none, firstBuild: false, given: cpu('b') }
    expect(resolveParameters([fixed], { ...later, previous: cpu('a') }).faults[0]?.detail).toContain(
      'Immutable parameter changed',
    )
    expect(resolveParameters([fixed], later).faults).toEqual([])
  })

  it('WS-121: resolving again from its own result changes nothing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (given, previous) => {
        const first = resolveParameters([base], {
          ...none,
          firstBuild: false,
          given: cpu(given),
          previous: cpu(previous),
        })
        const second = resolveParameters([base], { ...none, firstBuild: false, previous: first.values })
        expect(second).toEqual(first)
      }),
    )
  })
})

describe('values', () => {
  const number: RichParameter = {
    ...base,
    type: 'number',
    validation: { regex: '', error: '', min: 1, max: 8, monotonic: 'increasing' },
  }

  it('WS-120: numbers obey minimum, maximum and order', () => {
    expect(valueFault(number, '4', undefined)).toBeUndefined()
    expect(valueFault(number, '0', undefined)).toContain('minimum 1')
    expect(valueFault(number, '9', undefined)).toContain('maximum 8')
    expect(valueFault(number, '3', '4')).toContain('greater than previous value: 4')
    expect(valueFault(number, 'four', undefined)).toContain('not a number')
    expect(valueFault(number, '9'.repeat(400), undefined)).toContain('not a number')
  })

  it('PR-95: numbers are whole once they have a validation', () => {
    expect(valueFault(number, '2.5', undefined)).toContain('not a whole number')
    expect(valueFault({ ...number, validation: null }, '2.5', undefined)).toBeUndefined()
  })

  it('WS-120: the text of the template replaces the built-in one', () => {
    const own = {
      ...number,
      validation: {
        regex: '',
        min: 1,
        max: 8,
        monotonic: '' as const,
        error: '{value} is not in {min}..{max}',
      },
    }
    expect(valueFault(own, '9', undefined)).toBe('9 is not in 1..8')
  })

  it('WS-121: options bind; each element of a multi-select is checked', () => {
    const options = ['a', 'b'].map((value) => ({ name: value, value, description: '', icon: '' }))
    expect(valueFault({ ...base, options }, 'c', undefined)).toContain('not one of the options')
    const many: RichParameter = { ...base, type: 'list(string)', formType: 'multi-select', options }
    expect(valueFault(many, '["a","b"]', undefined)).toBeUndefined()
    expect(valueFault(many, '["a","c"]', undefined)).toContain('"c"')
    expect(valueFault(many, 'a', undefined)).toContain('JSON array')
  })

  it('WS-120: a regular expression binds texts', () => {
    const strict = {
      ...base,
      validation: {
        regex: '^[a-z]+$',
        error: 'lower case only',
        min: null,
        max: null,
        monotonic: '' as const,
      },
    }
    expect(valueFault(strict, 'abc', undefined)).toBeUndefined()
    expect(valueFault(strict, 'ABC', undefined)).toBe('lower case only')
  })
})
