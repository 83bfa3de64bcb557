import {
  Column,
  CreateDateColumn,
  Entity,
  Index,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type Relation,
  UpdateDateColumn,
} from 'typeorm';
import type { PlaceOrderDto } from './place-order.dto.js';

@Entity('items')
export class Item {
  @PrimaryColumn() sku!: string;
  @Column() name!: string;
  @Column() currency!: string;
  @Column('int') unitPrice!: number;
  @Column('int') available!: number;
  @Column('int', { default: 0 }) reserved!: number;
}

@Entity('orders')
export class Order {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Column() state!: string;
  @Column() customerId!: string;
  @Column() email!: string;
  @Column() currency!: string;
  @Column('int') total!: number;
  @Column() paymentMethod!: string;
  @Column({ nullable: true }) note?: string;
  @OneToMany(() => OrderLine, (line) => line.order, { cascade: true }) lines!: Relation<OrderLine[]>;
  @CreateDateColumn() createdAt!: Date;
  @UpdateDateColumn() updatedAt!: Date;
}

@Entity('order_lines')
export class OrderLine {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Index() @ManyToOne(() => Order, (order) => order.lines) order!: Relation<Order>;
  @Column() sku!: string;
  @Column() name!: string;
  @Column('int') quantity!: number;
  @Column('int') unitPrice!: number;
  @Column('int') amount!: number;
}

/** An order as it is first saved, priced by the items. */
export function orderFrom(asked: PlaceOrderDto, items: ReadonlyMap<string, Item>): Partial<Order> {
  const lines = asked.lines.map(({ sku, quantity }) => {
    const { name, unitPrice } = items.get(sku)!;
    return { sku, name, quantity, unitPrice, amount: unitPrice * quantity } as OrderLine;
  });
  const { customerId, email, currency, paymentMethod, note } = asked;
  const total = lines.reduce((sum, line) => sum + line.amount, 0);
  return { state: 'PLACED', customerId, email, currency, paymentMethod, note, lines, total };
}
