import { X } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'

import type { PreviewParameter } from '@slipway/contract'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import {
  Checkbox,
  type FieldBinding,
  PasswordInput,
  Select,
  Switch,
  TextArea,
  TextInput,
} from '../ui/form.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { listValue, numberBounds } from './parameter-value.ts'

interface ControlProps {
  readonly parameter: PreviewParameter
  /** Undefined while nobody has chosen one. */
  readonly value: string | undefined
  readonly disabled: boolean
  readonly binding: FieldBinding
  /** `typing`: more of the same is coming. */
  readonly onChange: (value: string, typing: boolean) => void
}

/** The control of a parameter by its form type (UI-736). */
export function ParameterControl(props: ControlProps) {
  const { parameter, value, disabled, binding, onChange } = props
  const { placeholder, mask_input: masked } = parameter.styling
  const text = {
    ...binding,
    value: value ?? '',
    disabled,
    ...(placeholder === undefined ? {} : { placeholder }),
  }
  switch (parameter.form_type) {
    case 'error':
      return null
    case 'switch':
    case 'checkbox': {
      const Toggle = parameter.form_type === 'switch' ? Switch : Checkbox
      return (
        <div className="flex h-6 items-center gap-2 text-sm text-ink-2">
          <Toggle
            id={binding.id}
            checked={value === 'true'}
            disabled={disabled}
            onChange={(checked) => onChange(String(checked), false)}
          />
          {value === 'true' ? 'On' : 'Off'}
        </div>
      )
    }
    case 'dropdown':
      return <Dropdown {...props} />
    case 'radio':
      return parameter.options.length > 0 ? (
        <Radios {...props} />
      ) : (
        <TextInput {...text} onChange={(event) => onChange(event.target.value, true)} />
      )
    case 'multi-select':
      return <MultiSelect {...props} />
    case 'tag-select':
      return <Tags {...props} />
    case 'slider':
      return <Slider {...props} />
    case 'textarea':
      return <TextArea {...text} rows={5} onChange={(event) => onChange(event.target.value, true)} />
    case 'input':
    case '': {
      if (masked === true)
        return (
          <PasswordInput
            {...text}
            autoComplete="off"
            onChange={(event) => onChange(event.target.value, true)}
          />
        )
      const { min, max } = numberBounds(parameter)
      return parameter.type === 'number' ? (
        // Text with a numeric keyboard: what was typed stays as it is until the field is left.
        <TextInput
          {...text}
          inputMode={min !== undefined && min >= 0 ? 'numeric' : 'text'}
          className="max-w-40 tabular-nums"
          title={min === undefined && max === undefined ? undefined : `${min ?? '…'} to ${max ?? '…'}`}
          onChange={(event) => onChange(event.target.value, true)}
        />
      ) : (
        <TextInput {...text} spellCheck={false} onChange={(event) => onChange(event.target.value, true)} />
      )
    }
  }
}

function Dropdown({ parameter, value, disabled, binding, onChange }: ControlProps) {
  // A native select cannot tell an empty value from none, so options go by their place.
  const at = parameter.options.findIndex((option) => option.value.value === value)
  const chosen = parameter.options[at]
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex items-center gap-2">
        {chosen === undefined || chosen.icon === '' ? null : (
          <ThingIcon src={chosen.icon} className="size-5" />
        )}
        <div className="min-w-0 flex-1">
          <Select
            {...binding}
            prompt={parameter.styling.placeholder ?? 'Choose'}
            value={at < 0 ? '' : String(at)}
            disabled={disabled}
            options={parameter.options.map((option, index) => ({ value: String(index), label: option.name }))}
            onChange={(event) => {
              const option = parameter.options[Number(event.target.value)]
              if (option !== undefined) onChange(option.value.value, false)
            }}
          />
        </div>
      </div>
      {chosen === undefined || chosen.description === '' ? null : (
        <p className="text-xs text-ink-2">{chosen.description}</p>
      )}
    </div>
  )
}

const CARD =
  'flex min-w-0 cursor-pointer items-start gap-2.5 rounded-control border px-3 py-2 text-sm transition-colors duration-(--fast) has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent has-[:disabled]:cursor-not-allowed has-[:disabled]:opacity-60'

function Radios({ parameter, value, disabled, binding, onChange }: ControlProps) {
  return (
    <div
      role="radiogroup"
      aria-labelledby={`${binding.id}-label`}
      aria-describedby={binding['aria-describedby']}
      className={classNames('grid gap-2', parameter.options.length > 1 && 'sm:grid-cols-2')}
    >
      {parameter.options.map((option, index) => {
        const checked = option.value.value === value
        return (
          <label
            key={option.value.value}
            className={classNames(
              CARD,
              checked ? 'border-accent bg-accent-wash' : 'border-line-strong bg-surface hover:border-ink-3',
            )}
          >
            <input
              type="radio"
              name={binding.id}
              id={index === 0 ? binding.id : undefined}
              checked={checked}
              disabled={disabled}
              onChange={() => onChange(option.value.value, false)}
              className="mt-[3px] size-3.5 shrink-0 accent-(--accent) outline-none"
            />
            {option.icon === '' ? null : <ThingIcon src={option.icon} className="mt-px size-[18px]" />}
            <span className="min-w-0">
              <span className="block font-medium">{option.name}</span>
              {option.description === '' ? null : (
                <span className="block text-xs text-ink-2">{option.description}</span>
              )}
            </span>
          </label>
        )
      })}
    </div>
  )
}

function MultiSelect({ parameter, value, disabled, binding, onChange }: ControlProps) {
  const chosen = listValue(value ?? '')
  return (
    <fieldset aria-labelledby={`${binding.id}-label`} className="grid min-w-0 gap-2 sm:grid-cols-2">
      {parameter.options.map((option, index) => {
        const checked = chosen.includes(option.value.value)
        return (
          <label
            key={option.value.value}
            className={classNames(
              CARD,
              checked ? 'border-accent bg-accent-wash' : 'border-line-strong bg-surface hover:border-ink-3',
            )}
          >
            <input
              type="checkbox"
              id={index === 0 ? binding.id : undefined}
              checked={checked}
              disabled={disabled}
              onChange={() => {
                // In the order of the options, whatever the order of the clicks.
                const next = new Set(chosen)
                if (!next.delete(option.value.value)) next.add(option.value.value)
                const ordered = parameter.options.map((one) => one.value.value).filter((one) => next.has(one))
                onChange(JSON.stringify(ordered), false)
              }}
              className="mt-[3px] size-3.5 shrink-0 accent-(--accent) outline-none"
            />
            {option.icon === '' ? null : <ThingIcon src={option.icon} className="mt-px size-[18px]" />}
            <span className="min-w-0">
              <span className="block font-medium">{option.name}</span>
              {option.description === '' ? null : (
                <span className="block text-xs text-ink-2">{option.description}</span>
              )}
            </span>
          </label>
        )
      })}
    </fieldset>
  )
}

function Tags({ parameter, value, disabled, binding, onChange }: ControlProps) {
  const tags = listValue(value ?? '')
  const [text, setText] = useState('')
  const add = () => {
    const next = text.trim()
    setText('')
    if (next !== '' && !tags.includes(next)) onChange(JSON.stringify([...tags, next]), false)
  }
  const remove = (tag: string) => onChange(JSON.stringify(tags.filter((one) => one !== tag)), false)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault()
      add()
    } else if (event.key === 'Backspace' && text === '') {
      const last = tags.at(-1)
      if (last !== undefined) remove(last)
    }
  }
  return (
    <div className="flex flex-wrap items-center gap-1.5 rounded-control border border-line-strong bg-surface p-1 focus-within:outline-2 focus-within:outline-accent">
      {tags.map((tag) => (
        <span key={tag} className="inline-flex h-6 items-center gap-0.5 rounded-sm bg-hover pl-2 text-sm">
          <bdi>{tag}</bdi>
          <button
            type="button"
            disabled={disabled}
            onClick={() => remove(tag)}
            aria-label={`Remove ${tag}`}
            className="inline-flex size-6 items-center justify-center text-ink-3 hover:text-ink"
          >
            <X className="size-3" />
          </button>
        </span>
      ))}
      <input
        {...binding}
        required={false}
        value={text}
        disabled={disabled}
        placeholder={
          tags.length === 0 ? (parameter.styling.placeholder ?? 'Type and press Enter') : undefined
        }
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={add}
        className="h-6 min-w-32 flex-1 bg-transparent px-1.5 text-base outline-none sm:text-sm"
      />
    </div>
  )
}

function Slider({ parameter, value, disabled, binding, onChange }: ControlProps) {
  const { min = 0, max = 100 } = numberBounds(parameter)
  return (
    <div className="flex items-center gap-4">
      <input
        {...binding}
        type="range"
        min={min}
        max={max}
        step={1}
        value={value ?? String(min)}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value, true)}
        className="h-6 min-w-0 flex-1 accent-(--accent)"
      />
      <span className="w-16 shrink-0">
        <TextInput
          aria-label={`Value of ${parameter.name}`}
          inputMode="numeric"
          value={value ?? ''}
          disabled={disabled}
          onChange={(event) => onChange(event.target.value, true)}
          className="text-right tabular-nums"
        />
      </span>
      <span className="sr-only">
        from {min} to {max}
      </span>
      {value === undefined ? (
        <Button size="dense" disabled={disabled} onClick={() => onChange(String(min), false)}>
          Set
        </Button>
      ) : null}
    </div>
  )
}
