//! Stickers: simple shapes, drawn from their equations.

use std::f32::consts::TAU;

use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::canvas::Area;

/// The colour at (x, y) in [-1, 1], y downwards, or none outside the shape.
type Shape = fn(f32, f32) -> Option<Rgb<u8>>;

const SHAPES: [Shape; 4] = [face, star, heart, ring];

pub(super) fn overlay(image: &RgbImage, seed: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let shape = SHAPES[rng.random_range(0..SHAPES.len())];
    let (width, height) = (image.width() as f32, image.height() as f32);
    let side = width.min(height) * rng.random_range(0.2..0.5);
    let x = (width - side) * rng.random_range(0.0..1.0);
    let y = (height - side) * rng.random_range(0.0..1.0);
    let mut edited = image.clone();
    Area { x, y, width: side, height: side }.paint(&mut edited, |u, v, pixel| {
        if let Some(colour) = shape(2.0 * u - 1.0, 2.0 * v - 1.0) {
            *pixel = colour;
        }
    });
    edited
}

fn face(x: f32, y: f32) -> Option<Rgb<u8>> {
    let eye = (x.abs() - 0.35).hypot((y + 0.25) / 1.5) < 0.13;
    let mouth = y > 0.15 && (0.5..0.68).contains(&x.hypot(y));
    let colour = if eye || mouth { Rgb([70, 45, 20]) } else { Rgb([255, 205, 50]) };
    (x.hypot(y) < 1.0).then_some(colour)
}

/// Five points, one up; the edge runs straight from a tip at radius 1 to a notch at radius 0.4.
fn star(x: f32, y: f32) -> Option<Rgb<u8>> {
    let fifth = TAU / 5.0;
    let angle = (x.atan2(-y).rem_euclid(fifth) - fifth / 2.0).abs();
    let (along, across) = (x.hypot(y) * angle.cos(), x.hypot(y) * angle.sin());
    let (tip_x, tip_y) = ((fifth / 2.0).cos(), (fifth / 2.0).sin());
    let inside = (along - 0.4) * tip_y < across * (tip_x - 0.4);
    inside.then_some(Rgb([250, 160, 30]))
}

/// The algebraic heart (x^2 + y^2 - 1)^3 = x^2 y^3.
fn heart(x: f32, y: f32) -> Option<Rgb<u8>> {
    let (x, y) = (1.2 * x, -1.2 * y + 0.1);
    let inside = (x * x + y * y - 1.0).powi(3) < x * x * y.powi(3);
    inside.then_some(Rgb([225, 40, 60]))
}

fn ring(x: f32, y: f32) -> Option<Rgb<u8>> {
    (0.55..1.0).contains(&x.hypot(y)).then_some(Rgb([60, 110, 230]))
}
