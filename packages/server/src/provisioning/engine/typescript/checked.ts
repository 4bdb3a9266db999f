import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

import { EngineError } from '../engine.ts'

/** Checks what a template has said; the error names the path, such as `agents[0].name`. */
export function checker<Schema extends TSchema>(
  schema: Schema,
  where: string,
): (value: unknown) => Static<Schema> {
  const compiled = Compile(schema)
  return (value) => {
    if (compiled.Check(value)) return value as Static<Schema>
    const [first] = compiled.Errors(value)
    const path = (first?.instancePath ?? '')
      .replace(/\/(\d+)/g, '[$1]')
      .replace(/^\//, '')
      .replaceAll('/', '.')
    const missing =
      first !== undefined && 'requiredProperties' in first.params
        ? ` (${String(first.params.requiredProperties)})`
        : ''
    throw new EngineError(
      `template.ts: ${where}${path === '' ? '' : `.${path}`} ${first?.message ?? 'is not valid'}${missing}`,
    )
  }
}
