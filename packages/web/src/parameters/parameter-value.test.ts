import { expect, it } from 'vitest'

import type { PreviewParameter } from '@slipway/contract'
import { listValue, numberBounds, parameterFault } from './parameter-value.ts'

const bare: PreviewParameter = {
  name: 'region',
  display_name: '',
  description: '',
  default_value: { valid: false, value: '' },
  value: { valid: false, value: '' },
  diagnostics: [],
  ephemeral: false,
  form_type: 'dropdown',
  icon: '',
  mutable: true,
  options: [],
  order: 0,
  required: true,
  styling: {},
  type: 'string',
  validations: [],
}

it('UI-736: an option with an empty value is a real choice', () => {
  expect(parameterFault(bare, undefined)).toBe('A value is required.')
  expect(parameterFault(bare, '')).toBeUndefined()
})

it('UI-739: errors block, warnings do not', () => {
  const diagnostic = { summary: 'Bad', detail: '', extra: { code: '' } }
  expect(parameterFault({ ...bare, diagnostics: [{ ...diagnostic, severity: 'error' }] }, 'x')).toBe('Bad')
  expect(
    parameterFault({ ...bare, diagnostics: [{ ...diagnostic, severity: 'warning' }] }, 'x'),
  ).toBeUndefined()
})

it('UI-736: list(string) values show their elements', () => {
  expect(listValue('["a","b"]')).toEqual(['a', 'b'])
  expect(listValue('')).toEqual([])
  expect(listValue('{"a":1}')).toEqual([])
})

it('bounds of numbers come from the validation', () => {
  const rule = {
    validation_error: '',
    validation_max: 8,
    validation_min: null,
    validation_monotonic: null,
    validation_regex: null,
  }
  expect(numberBounds({ validations: [rule] })).toEqual({ min: undefined, max: 8 })
})
