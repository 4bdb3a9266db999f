import { badRequest } from '../errors/index.ts'
import { presetValues } from '../templates/index.ts'

/**
 * The preset of a build (WS-123): the named one, else of those whose values were all given the one with the
 * most values; one without values matches everything and comes last.
 *
 * @throws ApiError 400 when the named one belongs to another version.
 */
export function choosePreset<P extends { readonly id: string; readonly parameters: unknown }>(
  presets: readonly P[],
  named: string | undefined,
  given: readonly { readonly name: string; readonly value: string }[],
): P | undefined {
  if (named !== undefined) {
    const found = presets.find((preset) => preset.id === named)
    if (found === undefined)
      throw badRequest('The preset does not belong to the template version.', {
        validations: [{ field: 'template_version_preset_id', detail: 'belongs to another template version' }],
      })
    return found
  }
  const values = new Map(given.map(({ name, value }) => [name, value]))
  return presets
    .filter((preset) =>
      presetValues(preset.parameters).every(({ name, value }) => values.get(name) === value),
    )
    .sort((a, b) => presetValues(b.parameters).length - presetValues(a.parameters).length)[0]
}
