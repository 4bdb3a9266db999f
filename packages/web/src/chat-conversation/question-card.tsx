// biome-ignore-all lint/suspicious/noArrayIndexKey: questions and their options have no identity but their place.
import { useMutation } from '@tanstack/react-query'
import { CircleHelp } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'

import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { TextInput } from '../ui/form.tsx'
import { useConversation } from './conversation-context.ts'
import { answerText, type Choice, type Question, questionsOf } from './question-answer.ts'
import type { ToolCall } from './rows.ts'

/** Questions of the model. The newest can be answered here; the answer goes out as a message (UI-1137). */
export function QuestionCard({ call, newest }: { readonly call: ToolCall; readonly newest: boolean }) {
  const { canWrite, say } = useConversation()
  const questions = questionsOf(call)
  const [choices, setChoices] = useState<readonly Choice[]>([])
  const send = useMutation({ mutationFn: (text: string) => say(text) })
  const open = newest && canWrite
  const answer = answerText(questions, choices)
  const choose = (index: number, choice: Choice) =>
    setChoices(
      questions.map((_, at) => (at === index ? choice : (choices[at] ?? { option: undefined, other: '' }))),
    )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (answer !== undefined && !send.isPending) send.mutate(answer)
  }
  if (questions.length === 0) return null
  return (
    <form
      onSubmit={submit}
      aria-label="Questions of the model"
      className={classNames(
        'my-1.5 flex flex-col gap-4 rounded-card border bg-surface px-4 py-3',
        open ? 'border-line-strong' : 'border-line',
      )}
    >
      {questions.map((question, index) => (
        <QuestionField
          key={index}
          question={question}
          choice={choices[index] ?? { option: undefined, other: '' }}
          open={open}
          onChoose={(choice) => choose(index, choice)}
        />
      ))}
      {open ? (
        <div className="flex flex-col gap-2">
          <ErrorNotice error={send.error} />
          <div className="flex flex-wrap items-center gap-3">
            <Button type="submit" tone="primary" busy={send.isPending} disabled={answer === undefined}>
              Answer
            </Button>
            <span className="text-xs text-ink-3">Or write a message of your own below.</span>
          </div>
        </div>
      ) : null}
    </form>
  )
}

function QuestionField({
  question: { header, question, options },
  choice,
  open,
  onChoose,
}: {
  readonly question: Question
  readonly choice: Choice
  readonly open: boolean
  readonly onChoose: (choice: Choice) => void
}) {
  const group = useId()
  if (!open)
    return (
      <div>
        <Heading header={header} question={question} />
        <ul className="mt-1 list-disc pl-8 text-sm text-ink-2">
          {options.map(({ label }, index) => (
            <li key={index}>{label}</li>
          ))}
        </ul>
      </div>
    )
  return (
    <fieldset className="flex min-w-0 flex-col gap-1">
      <legend className="mb-1.5">
        <Heading header={header} question={question} />
      </legend>
      {options.map(({ label, description }, index) => (
        <Option
          key={index}
          group={group}
          checked={choice.option === index}
          onCheck={() => onChoose({ ...choice, option: index })}
        >
          <span className="font-medium">{label}</span>
          {description === '' ? null : <span className="block text-ink-2">{description}</span>}
        </Option>
      ))}
      <Option
        group={group}
        checked={choice.option === 'other'}
        onCheck={() => onChoose({ ...choice, option: 'other' })}
      >
        <span className="font-medium">Other</span>
      </Option>
      {choice.option === 'other' ? (
        <div className="pl-8">
          <TextInput
            aria-label="Your answer"
            autoFocus
            value={choice.other}
            onChange={(event) => onChoose({ option: 'other', other: event.target.value })}
          />
        </div>
      ) : null}
    </fieldset>
  )
}

function Heading({ header, question }: { readonly header: string; readonly question: string }) {
  return (
    <span className="flex items-start gap-2 text-sm">
      <CircleHelp className="mt-0.5 size-4 shrink-0 text-accent" strokeWidth={1.75} aria-hidden="true" />
      <span>
        {header === '' ? null : <span className="block text-xs text-ink-3">{header}</span>}
        <span className="font-medium">{question}</span>
      </span>
    </span>
  )
}

function Option({
  group,
  checked,
  onCheck,
  children,
}: {
  readonly group: string
  readonly checked: boolean
  readonly onCheck: () => void
  readonly children: React.ReactNode
}) {
  return (
    <label
      className={classNames(
        'flex cursor-pointer items-start gap-2.5 rounded-control px-2 py-1.5 text-sm pointer-coarse:py-2.5',
        checked ? 'bg-accent-wash' : 'hover:bg-hover',
      )}
    >
      <input
        type="radio"
        name={group}
        checked={checked}
        onChange={onCheck}
        className="mt-0.5 size-4 shrink-0 accent-(--accent)"
      />
      <span className="min-w-0">{children}</span>
    </label>
  )
}
