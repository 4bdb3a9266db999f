import { isDeepStrictEqual } from 'node:util'

import { type AuditDiff, NO_ID } from '@slipway/contract'
import { AUDIT_FIELDS, type AuditedType } from './fields.ts'
import type { AuditedRows } from './store/audited-rows.ts'

/**
 * The fields that differ between two states of a row (RB-98). A missing state counts as the zero value of each field:
 * that is how the creation and the deletion of something look.
 */
export function diffOf<Type extends AuditedType>(
  type: Type,
  before: AuditedRows[Type] | undefined,
  after: AuditedRows[Type] | undefined,
): AuditDiff {
  const diff: AuditDiff = {}
  const [old, fresh] = [recordOf(before), recordOf(after)]
  for (const [field, rule] of Object.entries(AUDIT_FIELDS[type])) {
    if (rule === 'ignore') continue
    const [left, right] = [normalized(field, old[field]), normalized(field, fresh[field])]
    // A column without a value is nothing new in a row that is new.
    const [was, is] = [left ?? zeroOf(right, fresh[field]), right ?? zeroOf(left, old[field])]
    if (isDeepStrictEqual(was, is)) continue
    diff[field] =
      rule === 'secret'
        ? { old: zeroOf(was, was), new: zeroOf(is, is), secret: true }
        : { old: was, new: is, secret: false }
  }
  return diff
}

function recordOf(row: object | undefined): Readonly<Record<string, unknown>> {
  return row === undefined ? {} : { ...row }
}

/** One spelling for values that mean the same (RB-99); undefined for what a missing row has. */
function normalized(field: string, value: unknown): unknown {
  if (value === undefined) return undefined
  if (value === null) return field.endsWith('_id') ? '' : 'null'
  if (value === NO_ID) return ''
  if (value instanceof Date) return value.toISOString()
  if (field === 'user_acl' || field === 'group_acl') return listText(value)
  return Buffer.isBuffer(value) ? value.toString('base64') : value
}

/** An access list as one string, whatever the order of its entries (RB-99); empty when nobody is on it. */
function listText(list: unknown): unknown {
  if (typeof list !== 'object' || list === null) return list
  const entries = Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.length === 0 ? '' : JSON.stringify(Object.fromEntries(entries))
}

function zeroOf(value: unknown, stored: unknown): unknown {
  if (stored === null) return value
  switch (typeof value) {
    case 'number':
      return 0
    case 'boolean':
      return false
    case 'object':
      return Array.isArray(value) ? [] : {}
    default:
      return ''
  }
}
