import { fieldError } from '../api/errors.ts'
import { Field, TextArea } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { NameFields } from '../ui/name-fields.tsx'

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
      <NameFields
        values={values}
        onChange={onChange}
        error={error}
        renaming={renaming}
        nameHelp={
          renaming
            ? 'Used in its address and those of its templates. Links and scripts with the old name stop working.'
            : 'At most 32 letters, digits and single hyphens. Used in its address and those of its templates.'
        }
      />
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
