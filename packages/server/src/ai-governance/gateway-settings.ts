import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'

import {
  type AIBudgetPeriod,
  type AIBudgetPolicy,
  type AIExportFormat,
  AIGatewaySettings,
  type AISecretGuardrail,
} from '@slipway/contract'
import type { Config } from '../config/index.ts'

/** What is asked before a provider is (AG-B17). */
export interface GuardrailSettings {
  readonly secrets: AISecretGuardrail
  /** Sources of linear regular expressions. */
  readonly patterns: readonly string[]
  /** Empty for none. */
  readonly webhookUrl: string
  readonly webhookTimeoutMs: number
  readonly webhookFailOpen: boolean
  /** In the clear; undefined where requests are not signed. */
  readonly webhookSecret: string | undefined
}

/** What holds for all requests to models; see `AIGatewaySettings` of the contract. */
export interface GatewaySettings {
  readonly budgetPeriod: AIBudgetPeriod
  readonly budgetPolicy: AIBudgetPolicy
  readonly budgetEnforced: boolean
  readonly budgetReservations: boolean
  readonly blockUnpricedModels: boolean
  /** 0 is no limit. */
  readonly maxConcurrencyPerUser: number
  readonly queueLength: number
  readonly queueTimeoutMs: number
  readonly initiatorLabel: boolean
  readonly guardrails: GuardrailSettings
  readonly recordFailOpen: boolean
  /** Empty for none. */
  readonly exportWebhookUrl: string
  readonly exportFormat: AIExportFormat
  /** In the clear; undefined where what is sent is not signed. */
  readonly exportWebhookSecret: string | undefined
  readonly traceUpstream: boolean
}

/** Settings as they are stored: names of the wire, without secrets. */
export type StoredSettings = Omit<
  AIGatewaySettings,
  'guardrails' | 'export_webhook_secret_set' | 'updated_at'
> & {
  readonly guardrails: Omit<AIGatewaySettings['guardrails'], 'webhook_secret_set'>
}

/** Secrets of the settings in the clear. */
export interface SettingsSecrets {
  readonly guardrailWebhook: string | undefined
  readonly exportWebhook: string | undefined
}

/** As the release has it, and as the reference does. */
const DEFAULTS: StoredSettings = {
  budget_period: 'month',
  budget_policy: 'highest',
  budget_enforced: true,
  budget_reservations: false,
  block_unpriced_models: false,
  max_concurrency_per_user: 0,
  queue_length: 0,
  queue_timeout_ms: 0,
  initiator_label: true,
  guardrails: {
    secrets: 'off',
    patterns: [],
    webhook_url: '',
    webhook_timeout_ms: 300,
    webhook_fail_open: false,
  },
  record_fail_open: false,
  export_webhook_url: '',
  export_format: 'json',
  trace_upstream: false,
}

/**
 * Stored settings with defaults for what is missing, or is of another release and no value here.
 *
 * @param config what the deployment was started with counts until it is set.
 */
export function readStoredSettings(
  stored: unknown,
  config?: Pick<Config, 'aiBudgetPeriod' | 'aiBudgetPolicy'>,
): StoredSettings {
  const { properties } = AIGatewaySettings
  const defaults =
    config === undefined
      ? DEFAULTS
      : { ...DEFAULTS, budget_period: config.aiBudgetPeriod, budget_policy: config.aiBudgetPolicy }
  const own = withDefaults(defaults, stored, properties)
  return {
    ...own,
    guardrails: withDefaults(
      DEFAULTS.guardrails,
      memberOf(stored, 'guardrails'),
      properties.guardrails.properties,
    ),
  }
}

function withDefaults<Values extends object>(
  defaults: Values,
  stored: unknown,
  schemas: { readonly [Name in keyof Values]: TSchema },
): Values {
  const values = { ...defaults }
  for (const name in defaults) {
    const value = memberOf(stored, name)
    if (isValueOf<Values[typeof name]>(schemas[name], value)) values[name] = value
  }
  return values
}

function isValueOf<Value>(schema: TSchema, value: unknown): value is Value {
  return value !== undefined && Check(schema, value)
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** Settings as the gateway uses them. */
export function gatewaySettings(stored: StoredSettings, secrets: SettingsSecrets): GatewaySettings {
  const { guardrails } = stored
  return {
    budgetPeriod: stored.budget_period,
    budgetPolicy: stored.budget_policy,
    budgetEnforced: stored.budget_enforced,
    budgetReservations: stored.budget_reservations,
    blockUnpricedModels: stored.block_unpriced_models,
    maxConcurrencyPerUser: stored.max_concurrency_per_user,
    queueLength: stored.queue_length,
    queueTimeoutMs: stored.queue_timeout_ms,
    initiatorLabel: stored.initiator_label,
    guardrails: {
      secrets: guardrails.secrets,
      patterns: guardrails.patterns,
      webhookUrl: guardrails.webhook_url,
      webhookTimeoutMs: guardrails.webhook_timeout_ms,
      webhookFailOpen: guardrails.webhook_fail_open,
      webhookSecret: secrets.guardrailWebhook,
    },
    recordFailOpen: stored.record_fail_open,
    exportWebhookUrl: stored.export_webhook_url,
    exportFormat: stored.export_format,
    exportWebhookSecret: secrets.exportWebhook,
    traceUpstream: stored.trace_upstream,
  }
}
