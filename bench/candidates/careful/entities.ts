import { Column, CreateDateColumn, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/** What is to be sent, written in the transaction that decided it. */
@Entity('outbox')
export class OutboxRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' }) seq!: string;
  @Column('uuid') id!: string;
  @Column() queue!: string;
  @Column() pattern!: string;
  @Column('jsonb') body!: object;
}

/** What has been handled: a message that comes again is left alone. */
@Entity('inbox')
export class InboxRow {
  @PrimaryColumn() consumer!: string;
  @PrimaryColumn('uuid') id!: string;
  @CreateDateColumn() at!: Date;
}

@Entity('payments')
export class Payment {
  @PrimaryColumn('uuid') orderId!: string;
  @Column() state!: string;
  @Column('int') amount!: number;
  @Column() reference!: string;
}

@Entity('notifications')
export class Notification {
  @PrimaryColumn('uuid') orderId!: string;
  @Column() to!: string;
  @Column() subject!: string;
  @Column() text!: string;
}
