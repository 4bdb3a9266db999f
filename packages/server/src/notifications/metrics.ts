import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What operators see of the delivery of notifications (OP-84, OP-85). */
export class DeliveryMetrics {
  readonly attempts: Counter<'method' | 'notification_template_id' | 'result'>
  readonly retries: Counter<'method' | 'notification_template_id'>
  readonly queuedSeconds: Histogram<'method'>
  readonly inflight: Gauge<'method' | 'notification_template_id'>
  readonly sendSeconds: Histogram<'method'>
  readonly pendingUpdates: Gauge
  readonly syncedUpdates: Counter

  constructor(registry: Registry) {
    const registers = [registry]
    this.attempts = new Counter({
      name: 'coderd_notifications_dispatch_attempts_total',
      help: 'Deliveries that were tried, by what became of them.',
      labelNames: ['method', 'notification_template_id', 'result'],
      registers,
    })
    this.retries = new Counter({
      name: 'coderd_notifications_retry_count',
      help: 'Deliveries that were not the first of their message.',
      labelNames: ['method', 'notification_template_id'],
      registers,
    })
    this.queuedSeconds = new Histogram({
      name: 'coderd_notifications_queued_seconds',
      help: 'How long messages waited before their first delivery.',
      labelNames: ['method'],
      buckets: [1, 2.5, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 600, 3600],
      registers,
    })
    this.inflight = new Gauge({
      name: 'coderd_notifications_inflight_dispatches',
      help: 'Deliveries under way.',
      labelNames: ['method', 'notification_template_id'],
      registers,
    })
    this.sendSeconds = new Histogram({
      name: 'coderd_notifications_dispatcher_send_seconds',
      help: 'How long a delivery took.',
      labelNames: ['method'],
      buckets: [0.001, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120],
      registers,
    })
    this.pendingUpdates = new Gauge({
      name: 'coderd_notifications_pending_updates',
      help: 'Outcomes of deliveries that are not written yet.',
      registers,
    })
    this.syncedUpdates = new Counter({
      name: 'coderd_notifications_synced_updates_total',
      help: 'Outcomes of deliveries that were written.',
      registers,
    })
  }
}
