import { type Validation, validationFailed } from '../errors/index.ts'

const NAME = /^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/
const PAGES = new Set(['new', 'create'])
const MAX_NAME = 32
const MAX_DISPLAY_NAME = 64
const MAX_DESCRIPTION = 128
const MAX_ICON = 256

/** What organizations and their roles are called and shown as; a field that is left out is not checked. */
interface Labels {
  readonly name?: string | undefined
  readonly display_name?: string | undefined
  readonly description?: string | undefined
  readonly icon?: string | undefined
}

/** Checks names and texts of an organization or of one of its roles (WS-1). @throws ApiError 400 naming each field. */
export function requireGoodLabels({ name, display_name: displayName, description, icon }: Labels): void {
  const faults: Validation[] = []
  if (name !== undefined && (name.length > MAX_NAME || !NAME.test(name) || PAGES.has(name.toLowerCase())))
    faults.push({
      field: 'name',
      detail: `must be 1 to ${MAX_NAME} letters and digits, with single hyphens between them, and not "new" or "create"`,
    })
  if (
    displayName !== undefined &&
    (displayName.length > MAX_DISPLAY_NAME || displayName !== displayName.trim())
  )
    faults.push({
      field: 'display_name',
      detail: `must be at most ${MAX_DISPLAY_NAME} characters without spaces around them`,
    })
  if (description !== undefined && description.length > MAX_DESCRIPTION)
    faults.push({ field: 'description', detail: `must be at most ${MAX_DESCRIPTION} characters` })
  if (icon !== undefined && icon.length > MAX_ICON)
    faults.push({ field: 'icon', detail: `must be at most ${MAX_ICON} characters` })
  if (faults.length > 0) throw validationFailed(faults)
}
