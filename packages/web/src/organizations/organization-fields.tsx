import { fieldError } from '../api/errors.ts'
import { Field, TextArea, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'

export interface OrganizationValues {
  readonly name: string
  readonly display_name: string
  readonly description: string
  readonly icon: string
}

/** What an organization is called, and how it shows. */
export function OrganizationFields({
  values,
  onChange,
  error,
  renaming,
}: {
  readonly values: OrganizationValues
  readonly onChange: (values: OrganizationValues) => void
  readonly error: unknown
  readonly renaming: boolean
}) {
  return (
    <div className="flex flex-col gap-5">
      <Field
        label="Name"
        error={fieldError(error, 'name')}
        help={
          renaming
            ? 'Part of its address and of those of its templates. Links and scripts that use the old one stop working.'
            : 'Letters, digits and single hyphens, at most 32. Part of its address and of those of its templates.'
        }
      >
        {(field) => (
          <TextInput
            {...field}
            required
            autoFocus={!renaming}
            spellCheck={false}
            autoComplete="off"
            value={values.name}
            onChange={(event) => onChange({ ...values, name: event.target.value })}
          />
        )}
      </Field>
      <Field
        label="Display name"
        error={fieldError(error, 'display_name')}
        help="How it is shown; the name when it stays empty."
      >
        {(field) => (
          <TextInput
            {...field}
            autoComplete="off"
            value={values.display_name}
            onChange={(event) => onChange({ ...values, display_name: event.target.value })}
          />
        )}
      </Field>
      <Field label="Description" error={fieldError(error, 'description')}>
        {(field) => (
          <TextArea
            {...field}
            rows={2}
            value={values.description}
            onChange={(event) => onChange({ ...values, description: event.target.value })}
          />
        )}
      </Field>
      <IconField
        label="Icon"
        error={fieldError(error, 'icon')}
        value={values.icon}
        onChange={(icon) => onChange({ ...values, icon })}
      />
    </div>
  )
}

/** The values as they are sent. */
export function trimmed(values: OrganizationValues): OrganizationValues {
  return {
    name: values.name.trim(),
    display_name: values.display_name.trim(),
    description: values.description.trim(),
    icon: values.icon.trim(),
  }
}
